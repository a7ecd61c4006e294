import type { ReactElement } from 'react';
import { toProblem } from '../api/problem.ts';
import { Icon } from '../design/icon.tsx';
import { WithCode } from '../design/with-code.tsx';
import { texts } from '../texts.ts';

/** An error in the place of what could not be read: what is missing, why, and what to do. */
export function ProblemNotice({
  what,
  error,
  retry,
}: {
  what: string;
  error: unknown;
  retry?: () => void;
}): ReactElement {
  const problem = toProblem(error);
  return (
    <div className="notice tone-bad" role="alert">
      <Icon name="warning" />
      <div className="notice-body">
        <p className="notice-title">{texts.problem.title(what)}</p>
        <p>
          {problem.message} <WithCode text={problem.remedy} />
        </p>
        <p className="section-note code">{problem.code}</p>
        {retry ? (
          <button type="button" className="button" onClick={retry}>
            {texts.retry}
          </button>
        ) : null}
      </div>
    </div>
  );
}
