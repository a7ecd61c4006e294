import './sign-in.css';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useEffect, useId, useRef, useState } from 'react';
import { signIn } from '../api/client.ts';
import { isSignedOut, toProblem } from '../api/problem.ts';
import { Icon } from '../design/icon.tsx';
import { texts } from '../texts.ts';

const words = texts.signIn;

/** The way in: an API token is traded for a session cookie. */
export function SignIn(): ReactElement {
  const queryClient = useQueryClient();
  const [token, setToken] = useState('');
  const [isEmpty, setEmpty] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const ids = { field: useId(), fault: useId() };
  const enter = useMutation({
    mutationFn: signIn,
    onSuccess: () => queryClient.resetQueries(),
    onError: () => input.current?.select(),
  });

  // The one thing to do here. An effect, because `autofocus` does nothing once the document is there.
  useEffect(() => input.current?.focus(), []);

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const trimmed = token.trim();
    setEmpty(trimmed === '');
    if (trimmed === '') input.current?.focus();
    else enter.mutate(trimmed);
  };
  const fault = isEmpty ? { message: words.required, remedy: '' } : enter.error && faultOf(enter.error);

  return (
    <div className="sign-in-wrap">
      <div className="panel sign-in">
        <h1>{words.title}</h1>
        <p>{words.intro}</p>
        <form className="sign-in-form" onSubmit={submit} noValidate>
          <label htmlFor={ids.field}>{words.label}</label>
          <input
            ref={input}
            id={ids.field}
            className="field"
            type="password"
            name="token"
            autoComplete="current-password"
            spellCheck={false}
            value={token}
            onChange={(event) => setToken(event.target.value)}
            aria-invalid={fault ? true : undefined}
            aria-describedby={fault ? ids.fault : undefined}
          />
          <div role="alert" id={ids.fault}>
            {fault ? (
              <div className="notice tone-bad">
                <Icon name="warning" />
                <div className="notice-body">
                  <span className="notice-title">{fault.message}</span>
                  {fault.remedy ? <span>{fault.remedy}</span> : null}
                </div>
              </div>
            ) : null}
          </div>
          <button type="submit" className="button button-main" disabled={enter.isPending}>
            {enter.isPending ? words.busy : words.button}
          </button>
        </form>
        <div className="sign-in-where">
          <p>{words.whereLabel}</p>
          <code className="command">{words.where}</code>
          <p>{words.whereNote}</p>
        </div>
      </div>
    </div>
  );
}

function faultOf(err: unknown): { message: string; remedy: string } {
  if (isSignedOut(err)) return { message: words.refused, remedy: words.refusedRemedy };
  const { message, remedy } = toProblem(err);
  return { message, remedy };
}
