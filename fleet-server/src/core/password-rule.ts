export const MIN_PASSWORD_LENGTH = 12;
export const MAX_PASSWORD_LENGTH = 256;

/** Length decides, not kinds of characters; only what is guessed first is refused besides. */
export function isWeakPassword(password: string, name: string): boolean {
  const text = password.toLowerCase();
  if ([...password].length < MIN_PASSWORD_LENGTH) return true;
  if (new Set(text).size < 5) return true;
  const rest = text.replaceAll(name.toLowerCase(), '');
  return [...rest].length < MIN_PASSWORD_LENGTH / 2 || GUESSED_FIRST.some((word) => rest.startsWith(word));
}

const GUESSED_FIRST = ['password', 'passwort', 'qwertyuiop', '1234567890', 'ringfleet'];
