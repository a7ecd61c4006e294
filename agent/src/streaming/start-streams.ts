import { CodedError, codeOf, type ErrorCode, lookUpCode } from '@ringfleet/shared/errors';
import { sharePool } from '@ringfleet/shared/mqtt';
import { decodeInferResponse, encodeInferRequest, readDegraded } from '@ringfleet/shared/v2';
import { connect, type MqttClient } from 'mqtt';
import type { Logger } from 'pino';
import { splitRows } from '../batch/row-results.ts';
import { limitedTime } from '../serving/limited-time.ts';
import type { ServingRouter } from '../serving/router.ts';
import { BoundedQueue } from './bounded-queue.ts';
import { mapPayload } from './map-payload.ts';
import type { StreamConfig } from './stream-config.ts';

const MAX_PENDING = 64;
const DEADLINE_MS = 10_000;
const RECONNECT_MS = 2_000;
const MAX_PAYLOAD_BYTES = 16 * 1024 * 1024;

export interface StreamCounts {
  readonly answered: number;
  /** Messages that do not fit the model, or that it failed on. */
  readonly failed: number;
  readonly dropped: number;
}

export interface Streams {
  counts(): readonly StreamCounts[];
  stop(): Promise<void>;
}

interface Message {
  readonly topic: string;
  readonly payload: Buffer;
}

export interface StreamContext {
  readonly router: ServingRouter;
  readonly log: Pick<Logger, 'debug' | 'warn'>;
}

/** Answers the messages of local topics. A broker that is away is tried again for ever; nothing here ends the agent. */
export function startStreams(configs: readonly StreamConfig[], context: StreamContext): Streams {
  const streams = configs.map((config) => new Stream(config, context));
  return {
    counts: () => streams.map((stream) => stream.counts()),
    stop: async () => void (await Promise.all(streams.map((stream) => stream.stop()))),
  };
}

class Stream {
  readonly #config: StreamConfig;
  readonly #context: StreamContext;
  readonly #queue: BoundedQueue<Message>;
  readonly #client: MqttClient;
  readonly #end = new AbortController();
  #working: Promise<void> | undefined;
  /** Ends the message that is being answered. */
  #giveUp: () => void = () => undefined;
  #answered = 0;
  #failed = 0;

  constructor(config: StreamConfig, context: StreamContext) {
    this.#config = config;
    this.#context = context;
    this.#queue = new BoundedQueue(config.maxPending ?? MAX_PENDING, config.drop ?? 'oldest');
    this.#client = connect(config.broker, {
      protocolVersion: 4,
      reconnectPeriod: RECONNECT_MS,
      resubscribe: false,
      queueQoSZero: false,
      // The library's cache of all two-byte numbers is 6.5 MB.
      writeCache: false,
    });
    this.#client.on('connect', () => this.#client.subscribe(config.topic, { qos: 0 }));
    this.#client.on('message', (topic, payload) => this.#take({ topic, payload }));
    this.#client.on('error', (err) => this.#warn(err, 'local broker'));
  }

  counts(): StreamCounts {
    return { answered: this.#answered, failed: this.#failed, dropped: this.#queue.dropped };
  }

  async stop(): Promise<void> {
    this.#end.abort();
    this.#giveUp();
    await this.#client.endAsync(true);
    await this.#working;
  }

  #take(message: Message): void {
    // A wildcard may match the answers themselves.
    if (message.topic === this.#config.output || message.payload.length > MAX_PAYLOAD_BYTES) return;
    this.#queue.push(message);
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
    });
  }

  /** One at a time: the queue, and not the runner's, is where messages wait and are dropped. */
  async #work(): Promise<void> {
    for (
      let message = this.#queue.take();
      message && !this.#end.signal.aborted;
      message = this.#queue.take()
    ) {
      try {
        this.#publish(await this.#answer(message));
        this.#answered += 1;
      } catch (err) {
        this.#failed += 1;
        this.#warn(err, message.topic);
      }
    }
  }

  async #answer({ topic, payload }: Message): Promise<object> {
    const { model, priority } = this.#config;
    const { router } = this.#context;
    const active = router.view(model)?.active;
    if (!active) throw new CodedError('MODEL_EMPTY');
    const inputs = mapPayload(this.#config, active.spec.manifest.inputs, payload);
    const body = encodeInferRequest({ inputs }, { binary: true });
    const call = { ...body, ...(priority === undefined ? {} : { priority }) };
    // No AbortSignal.any: what depends on a signal that lives as long as the agent is never let go, half a KB a message.
    const { reply, runner, fallback } = await limitedTime(
      DEADLINE_MS,
      (giveUp) => {
        this.#giveUp = giveUp;
      },
      (signal) => router.answer({ model, call, signal }),
    );
    if (!reply.ok)
      throw lookUpCode(reply.code)
        ? new CodedError(reply.code as ErrorCode, reply.message)
        : new Error(`${reply.code}: ${reply.message}`);
    const { outputs } = decodeInferResponse(reply.body, reply.headerBytes);
    const [result] = splitRows(outputs, 0, 1);
    return {
      model,
      version: runner.spec.version,
      topic,
      outputs: result && 'outputs' in result ? result.outputs : {},
      ...(fallback ? { isFallback: true } : {}),
      ...(reply.degraded === undefined ? {} : { degraded: degradedOf(reply.degraded) }),
    };
  }

  #publish(answer: object): void {
    // While the broker is away there is nobody to tell, and keeping answers would be memory without bound.
    if (!this.#client.connected) return;
    const { output } = this.#config;
    const payload = Buffer.from(JSON.stringify(answer));
    sharePool(output, payload, 0);
    this.#client.publish(output, payload, { qos: 0 });
  }

  #warn(err: unknown, at: string): void {
    const { model } = this.#config;
    this.#context.log.warn(
      { err, component: 'streaming', model, at, code: codeOf(err, 'SERVING_INTERNAL') },
      'stream',
    );
  }
}

/** A message is one sample: its number would say nothing. */
const degradedOf = (text: string): object[] =>
  readDegraded(text).values.map(({ feature, reason }) => ({ feature, reason }));
