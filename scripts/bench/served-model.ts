import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { encodeInferRequest, tensorOf } from '@ringfleet/shared/v2';
import { requestBytes } from './load/lean-http.ts';
import { ID_DIGITS } from './load/open-loop.ts';

const COLUMNS = 64;
const INPUT = 'image';
const BYTES = 'application/octet-stream';

/** The int8 model that everything is measured with: a small network over an 8x8 image. */
export const MODEL_FILE = fileURLToPath(
  new URL('../models/meter-digits/1.0.0/model.int8.onnx', import.meta.url),
);

/** Rows that every release of the model reads alike: an agent would refuse a release that sees something else in them. */
const readableRows = (): number[][] =>
  readFileSync(new URL('../models/meter-digits/data/readable.csv', import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(',').slice(0, COLUMNS).map(Number));

/** Images of the shape that the model takes, and the requests that carry them. */
export function imagesOf(rows: number) {
  const shape = [rows, COLUMNS];
  const values = Float32Array.from(readableRows().slice(0, rows).flat());
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
    /** A request with an id, and where its digits are. */
    numbered: (model: string) => {
      const id = '0'.repeat(ID_DIGITS);
      const { body, headerBytes } = encodeInferRequest({ id, inputs }, { binary: true });
      const headers = { ...asBinary, 'inference-header-content-length': String(headerBytes) };
      const request = requestBytes({ path: path(model), headers, body });
      return { request, idAt: request.indexOf(`"id":"${id}"`) + '"id":"'.length };
    },
    bodyBytes: binary.body.length,
  };
}
