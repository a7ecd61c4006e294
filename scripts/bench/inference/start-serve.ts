import { join } from 'node:path';
import type { BenchContext } from '../context.ts';
import { AGENT, startProgram } from '../programs.ts';
import { MODEL_FILE } from '../served-model.ts';

export interface Serving {
  readonly pid: number;
  readonly socket: string;
  readonly port: number;
  readonly grpcSocket: string;
  readonly model: string;
  stop(): Promise<void>;
}

/** The bundled agent, serving a model file through all its doors. */
export async function startServe(context: BenchContext): Promise<Serving> {
  const socket = join(context.dir, 'v2.sock');
  const grpcSocket = join(context.dir, 'grpc.sock');
  const doors = ['--http', '0', '--socket', socket, '--grpc-socket', grpcSocket, '--json'];
  const program = await startProgram([AGENT, 'serve', ...doors, MODEL_FILE]);
  context.atEnd(() => program.stop());
  const { url, models } = JSON.parse(program.ready) as { url: string; models: readonly string[] };
  return {
    pid: program.pid,
    socket,
    grpcSocket,
    port: Number(new URL(url).port),
    model: models[0] ?? '',
    stop: program.stop,
  };
}
