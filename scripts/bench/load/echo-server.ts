import { rmSync } from 'node:fs';
import { createServer } from 'node:http';

/** The yardstick: the shortest Node HTTP server that reads a body and sends it back. Its one argument is the socket. */
const [path = ''] = process.argv.slice(2);
rmSync(path, { force: true });
createServer((req, res) => {
  const chunks: Buffer[] = [];
  req.on('data', (chunk: Buffer) => chunks.push(chunk));
  req.on('end', () => {
    const body = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
    res.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': body.length });
    res.end(body);
  });
}).listen(path, () => process.stdout.write('ready\n'));
