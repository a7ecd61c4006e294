/** A worker's end of WorkerProcess: answers each message of the parent with what `work` makes of it. */
export function answerAsked<Asked, Answer>(work: (asked: Asked) => Promise<Answer>): void {
  process.on('message', (asked) => {
    work(asked as Asked).then(
      (answer) => process.send?.({ answer }),
      (err: unknown) => process.send?.({ error: err instanceof Error ? err.message : String(err) }),
    );
  });
  process.on('disconnect', () => process.exit(0));
}
