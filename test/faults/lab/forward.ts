import { type AddressInfo, connect, createServer } from 'node:net';

/** A program: passes connections to an address of this namespace on to Unix sockets, and prints the ports. Ends with its parent. */
const [address = '', ...paths] = process.argv.slice(2);

const ports = paths.map(
  (path) =>
    new Promise<number>((resolve) => {
      const server = createServer((from) => {
        const to = connect(path);
        for (const [one, other] of [
          [from, to],
          [to, from],
        ] as const) {
          one.on('error', () => other.destroy());
          one.once('close', () => other.destroy());
          one.pipe(other);
        }
      });
      server.listen(0, address, () => resolve((server.address() as AddressInfo).port));
    }),
);
process.stdout.write(`${(await Promise.all(ports)).join(' ')}\n`);
process.stdin.on('end', () => process.exit(0)).resume();
