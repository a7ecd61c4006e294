import { CodedError, codeOf } from '@ringfleet/shared/errors';
import type { InferCall } from '../ports/runtime.ts';
import { checkAcceptance } from './acceptance.ts';
import { checkConformance } from './conformance.ts';
import { type Counters, createCounters } from './counters.ts';
import { describeModel } from './describe-model.ts';
import { infer } from './inference.ts';
import type {
  AcceptanceBody,
  DescribeBody,
  LoadBody,
  ProbeBody,
  RunnerReply,
  RunnerRequest,
} from './messages.ts';
import { type ModelSession, openSession } from './model-session.ts';
import { probeProvider } from './providers/probe.ts';
import { checkShadow } from './shadow-check.ts';

export type Send = (reply: RunnerReply, body?: Uint8Array) => void;

/**
 * Answers the agent's frames in order, one at a time: a run blocks this process anyway. The body of `load` was written
 * by the agent from a verified manifest, so it is taken as it is.
 */
export function createOperations(send: Send): (request: RunnerRequest, body: Buffer) => void {
  let loaded: { spec: LoadBody; session: ModelSession; counters: Counters } | undefined;
  let tail: Promise<void> = Promise.resolve();

  const expectLoaded = () => {
    if (!loaded) throw new CodedError('RUNNER_FRAME_INVALID', 'nothing is loaded yet');
    return loaded;
  };

  const answer = async (request: RunnerRequest, body: Buffer): Promise<void> => {
    const { id } = request;
    const started = (): void => send({ id, is: 'started' });
    switch (request.op) {
      case 'load': {
        const spec = JSON.parse(body.toString('utf8')) as LoadBody;
        const session = await openSession(spec, (stage, provider) =>
          send({ id, is: 'stage', stage, provider }),
        );
        loaded = { spec, session, counters: createCounters(spec.manifest) };
        return send({
          id,
          is: 'loaded',
          provider: session.provider,
          canTerminate: session.backend.canTerminate,
        });
      }
      case 'infer': {
        const { session, counters } = expectLoaded();
        const call =
          request.headerBytes === undefined ? { body } : { body, headerBytes: request.headerBytes };
        const reply = await infer(session, counters, call, request.announce ? started : () => undefined);
        if (!reply.ok)
          return send({ id, is: 'refused', fault: reply.fault, code: reply.code, message: reply.message });
        const { headerBytes, computeUs, inputUs, outputUs, degraded } = reply;
        return send(
          {
            id,
            is: 'answer',
            ...{ computeUs, inputUs, outputUs },
            ...(headerBytes === undefined ? {} : { headerBytes }),
            ...(degraded === undefined ? {} : { degraded }),
          },
          reply.body,
        );
      }
      case 'shadow': {
        const [call, shown] = pairOf(request, body);
        const result = await checkShadow(expectLoaded().session, call, shown, started);
        return send({ id, is: 'shadowed', result });
      }
      case 'counts':
        return send({ id, is: 'counts' }, Buffer.from(JSON.stringify(expectLoaded().counters.read())));
      case 'conformance': {
        const { session, spec } = expectLoaded();
        return send({ id, is: 'checked', result: await checkConformance(session, spec.slotDir, started) });
      }
      case 'acceptance': {
        const owner = JSON.parse(body.toString('utf8')) as AcceptanceBody;
        return send({
          id,
          is: 'checked',
          result: await checkAcceptance(expectLoaded().session, owner, started),
        });
      }
      case 'describe': {
        const { path, runtime } = JSON.parse(body.toString('utf8')) as DescribeBody;
        return send({ id, is: 'described' }, Buffer.from(JSON.stringify(await describeModel(path, runtime))));
      }
      case 'probe': {
        const { provider, runtime } = JSON.parse(body.toString('utf8')) as ProbeBody;
        return send(
          { id, is: 'probed' },
          Buffer.from(JSON.stringify(await probeProvider(provider, runtime))),
        );
      }
      default:
        throw new CodedError('RUNNER_FRAME_INVALID', `unknown operation ${request.op}`);
    }
  };

  return (request, body) => {
    // The one that does not wait for its turn: it is about what runs now.
    if (request.op === 'terminate') {
      loaded?.session.terminate();
      return;
    }
    tail = tail
      .then(() => answer(request, body))
      .catch((err: unknown) => {
        const message = err instanceof Error ? err.message : String(err);
        const code = codeOf(err, 'SERVING_INTERNAL');
        send({ id: request.id, is: 'refused', fault: 'release', code, message: message.slice(0, 1000) });
      });
  };
}

function pairOf(
  { requestBytes, headerBytes, answerHeaderBytes }: Extract<RunnerRequest, { op: 'shadow' }>,
  body: Buffer,
): readonly [InferCall, InferCall] {
  const of = (bytes: Buffer, header: number | undefined): InferCall =>
    header === undefined ? { body: bytes } : { body: bytes, headerBytes: header };
  return [
    of(body.subarray(0, requestBytes), headerBytes),
    of(body.subarray(requestBytes), answerHeaderBytes),
  ];
}
