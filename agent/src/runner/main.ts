import { Socket } from 'node:net';
import { frameReader, writeFrame } from './frames.ts';
import type { RunnerHello, RunnerRequest } from './messages.ts';
import { createOperations } from './operations.ts';

/**
 * The runner: a process that owns one ONNX Runtime session and answers frames on descriptor 3, a Unix socket that its
 * launcher left open: the agent as its parent, or systemd, whose first descriptor has the same number. It ends when the
 * other side closes. The launcher sets ORT_DISABLE_TELEMETRY, which the library reads while it loads.
 */
const SOCKET_FD = 3;

const socket = new Socket({ fd: SOCKET_FD, readable: true, writable: true });
const operate = createOperations((reply, body) => writeFrame(socket, reply, body));
// A parent knows the number of its child.
if (process.env['LISTEN_FDS'] === '1') {
  const hello: RunnerHello = { is: 'hello', pid: process.pid };
  writeFrame(socket, hello);
}
socket.on(
  'data',
  frameReader((header, body) => operate(header as RunnerRequest, body)),
);
socket.on('error', () => process.exit(1));
socket.on('close', () => process.exit(0));
