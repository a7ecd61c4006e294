import { describe, expect, it } from 'vitest';
import { scryptPasswords } from './passwords-scrypt.ts';

const CHEAP = { n: 1_024, r: 8, p: 1 };

describe('scrypt passwords', () => {
  const passwords = scryptPasswords({ cost: CHEAP });

  it('knows a password again, and no other', async () => {
    const stored = await passwords.hash('correct horse battery');
    expect(stored).toMatch(/^scrypt\$1024\$8\$1\$/);
    expect(stored).not.toContain('correct');
    expect(await passwords.verify('correct horse battery', stored)).toBe(true);
    expect(await passwords.verify('correct horse batterz', stored)).toBe(false);
    expect(await passwords.hash('correct horse battery')).not.toBe(stored);
  });

  it('goes by the stored parameters, so that they can be raised later', async () => {
    const old = await passwords.hash('correct horse battery');
    const newer = scryptPasswords({ cost: { ...CHEAP, n: 4_096 } });
    expect(await newer.verify('correct horse battery', old)).toBe(true);
  });

  it('takes a letter in both of its Unicode forms', async () => {
    const stored = await passwords.hash('Gr\u00fcn ist der Hafen');
    expect(await passwords.verify('Gru\u0308n ist der Hafen', stored)).toBe(true);
  });

  it('says no to nobody and to damaged rows', async () => {
    expect(await passwords.verify('anything', null)).toBe(false);
    expect(await passwords.verify('anything', 'plain')).toBe(false);
  });

  it('refuses more at once than it can bear', async () => {
    const narrow = scryptPasswords({ cost: CHEAP, atOnce: 1, waiting: 1 });
    const three = [1, 2, 3].map(() =>
      narrow.hash('correct horse battery').then(
        () => 'done',
        (err) => err.code,
      ),
    );
    expect(await Promise.all(three)).toEqual(['done', 'done', 'SIGN_IN_BUSY']);
    expect(await narrow.hash('correct horse battery')).toMatch(/^scrypt/);
  });
});
