"""The service that many teams write first: FastAPI on uvicorn around onnxruntime, one worker.

Written to be fast: no response models, one pass over the body, the same session options as our runners. Usage:
python fastapi_server.py MODEL SOCKET
"""

import json
import sys

import numpy as np
import onnxruntime as ort
import uvicorn
from fastapi import FastAPI, Request, Response

MODEL, SOCKET = sys.argv[1:3]

options = ort.SessionOptions()
options.intra_op_num_threads = 1
options.inter_op_num_threads = 1
options.add_session_config_entry("session.intra_op.allow_spinning", "0")
options.add_session_config_entry("session.inter_op.allow_spinning", "0")
session = ort.InferenceSession(MODEL, options, providers=["CPUExecutionProvider"])
INPUT = session.get_inputs()[0].name
OUTPUT = session.get_outputs()[0].name
COLUMNS = session.get_inputs()[0].shape[1]

app = FastAPI()


@app.post("/json")
async def infer_json(request: Request) -> Response:
    """A V2 request as JSON, answered as JSON."""
    tensor = (await request.json())["inputs"][0]
    image = np.array(tensor["data"], dtype=np.float32).reshape(tensor["shape"])
    (output,) = session.run([OUTPUT], {INPUT: image})
    answer = {"outputs": [{"name": OUTPUT, "datatype": "FP32", "shape": output.shape, "data": output.ravel().tolist()}]}
    return Response(json.dumps(answer), media_type="application/json")


@app.post("/raw")
async def infer_raw(request: Request) -> Response:
    """Float32 in, float32 out."""
    image = np.frombuffer(await request.body(), dtype=np.float32).reshape(-1, COLUMNS)
    (output,) = session.run([OUTPUT], {INPUT: image})
    return Response(output.tobytes(), media_type="application/octet-stream")


class Announced(uvicorn.Server):
    async def startup(self, sockets: list | None = None) -> None:
        await super().startup(sockets)
        print("ready", flush=True)


Announced(
    uvicorn.Config(app, uds=SOCKET, loop="uvloop", http="httptools", workers=1, log_level="warning", access_log=False)
).run()
