import { fileURLToPath } from 'node:url';
import { encodeInferRequest, tensorOf } from '@ringfleet/shared/v2';
import { requestBytes } from './load/lean-http.ts';

const COLUMNS = 64;
const INPUT = 'image';
const BYTES = 'application/octet-stream';

/** The int8 model that everything is measured with: a small network over an 8x8 image. */
export const MODEL_FILE = fileURLToPath(
  new URL('../models/meter-digits/1.0.0/model.int8.onnx', import.meta.url),
);

/** Images of the shape that the model takes, and the requests that carry them. */
export function imagesOf(rows: number) {
  const shape = [rows, COLUMNS];
  const values = Float32Array.from({ length: rows * COLUMNS }, (_, i) => (i * 7) % 17);
  const inputs = [tensorOf(INPUT, 'FP32', shape, values)];
  const binary = encodeInferRequest({ inputs }, { binary: true });
  const json = encodeInferRequest({ inputs }, { binary: false });
  const asBinary = {
    'content-type': BYTES,
    'inference-header-content-length': String(binary.headerBytes),
  };
  const asJson = { 'content-type': 'application/json' };
  const raw = new Uint8Array(values.buffer);
  const path = (model: string): string => `/v2/models/${model}/infer`;
  return {
    input: INPUT,
    shape,
    values,
    call: binary,
    binary: (model: string) => requestBytes({ path: path(model), headers: asBinary, body: binary.body }),
    json: (model: string) => requestBytes({ path: path(model), headers: asJson, body: json.body }),
    jsonTo: (to: string) => requestBytes({ path: to, headers: asJson, body: json.body }),
    rawTo: (to: string) => requestBytes({ path: to, headers: { 'content-type': BYTES }, body: raw }),
    bodyBytes: binary.body.length,
  };
}
