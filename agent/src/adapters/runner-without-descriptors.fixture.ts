import { openSync } from 'node:fs';
import { makeTinySlot } from '../runner/tiny-slot.fixture.ts';
import { createPlainChildRuntime } from './runner-child.ts';

/** Uses up every file descriptor that its limit allows, then starts a runner: prints the code of what came of it. */
const [runDir = '', slotDir = ''] = process.argv.slice(2);
const spec = await makeTinySlot({ slotDir });
const silent = { debug: () => undefined, warn: () => undefined };
try {
  for (;;) openSync('/dev/null', 'r');
} catch {
  // That was the last one.
}
await createPlainChildRuntime({ runDir, log: silent })
  .start(spec, AbortSignal.timeout(20_000))
  .then(
    () => process.stdout.write('started'),
    (err: { code?: string }) => process.stdout.write(err.code ?? String(err)),
  );
process.exit(0);
