import { CodedError } from '@ringfleet/shared/errors';
import { MessageWriter } from './wire.ts';

interface Header {
  readonly model_name?: string;
  readonly model_version?: string;
  readonly id?: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly outputs?: readonly {
    readonly name: string;
    readonly datatype: string;
    readonly shape: readonly number[];
    readonly parameters?: { readonly binary_data_size?: number };
  }[];
}

/** The runner's V2 binary body as a ModelInferResponse with raw_output_contents. Throws RUNNER_FRAME_INVALID. */
export function writeInferResponse(bytes: Uint8Array, headerBytes: number | undefined): Buffer {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerEnd = headerBytes ?? body.length;
  const header = JSON.parse(body.toString('utf8', 0, headerEnd)) as Header;
  const message = new MessageWriter()
    .text(1, header.model_name ?? '')
    .text(2, header.model_version ?? '')
    .text(3, header.id ?? '');
  for (const [key, value] of Object.entries(header.parameters ?? {})) {
    if (typeof value !== 'string') continue;
    message.message(4, new MessageWriter().text(1, key).message(2, new MessageWriter().text(3, value)));
  }
  const outputs = header.outputs ?? [];
  for (const { name, datatype, shape } of outputs) {
    message.message(5, new MessageWriter().text(1, name).text(2, datatype).ints(3, shape));
  }
  let at = headerEnd;
  for (const { name, parameters } of outputs) {
    const size = parameters?.binary_data_size;
    if (size === undefined || at + size > body.length) {
      throw new CodedError('RUNNER_FRAME_INVALID', `the runner's output ${name} came without its bytes`);
    }
    message.bytes(6, body.subarray(at, at + size));
    at += size;
  }
  return message.finish();
}
