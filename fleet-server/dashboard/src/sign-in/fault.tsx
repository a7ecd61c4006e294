import type { ReactElement } from 'react';
import { Icon } from '../design/icon.tsx';
import { WithCode } from '../design/with-code.tsx';

export interface FaultWords {
  readonly message: string;
  readonly remedy: string;
}

/** What went wrong with a form, announced when it appears. */
export function Fault({ id, fault }: { id: string; fault: FaultWords | null }): ReactElement {
  return (
    <div role="alert" id={id}>
      {fault ? (
        <div className="notice tone-bad">
          <Icon name="warning" />
          <div className="notice-body">
            <span className="notice-title">{fault.message}</span>
            {fault.remedy ? (
              <span>
                <WithCode text={fault.remedy} />
              </span>
            ) : null}
          </div>
        </div>
      ) : null}
    </div>
  );
}
