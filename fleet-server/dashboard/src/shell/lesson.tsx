import type { ReactElement } from 'react';

/** An empty place that teaches the first step. */
export function Lesson({
  title,
  text,
  steps,
}: {
  title: string;
  text: string;
  steps: readonly { readonly text: string; readonly command: string }[];
}): ReactElement {
  return (
    <div className="panel lesson">
      <div>
        <p className="lesson-title">{title}</p>
        <p className="lesson-text">{text}</p>
      </div>
      <ol>
        {steps.map((step) => (
          <li key={step.text}>
            {step.text}
            <code className="command">{step.command}</code>
          </li>
        ))}
      </ol>
    </div>
  );
}
