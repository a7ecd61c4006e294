import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useEffect, useId, useRef, useState } from 'react';
import { answerOf, signIn } from '../api/client.ts';
import { toProblem } from '../api/problem.ts';
import { useDashboard } from '../dashboard-context.ts';
import { texts } from '../texts.ts';
import { EntryField } from './entry-field.tsx';
import { EntryButton, EntryPanel } from './entry-panel.tsx';
import { Fault, type FaultWords } from './fault.tsx';

const words = texts.signIn;
type Way = 'password' | 'token';

/** The way in: name and password, or an API token, are traded for a session cookie. */
export function SignIn(): ReactElement {
  const { api } = useDashboard();
  const queryClient = useQueryClient();
  const ways = useQuery({ queryKey: ['ways'], queryFn: () => answerOf(api.GET('/api/v1/session/ways')) });
  const [way, setWay] = useState<Way>('password');
  const [given, setGiven] = useState({ name: '', password: '', token: '' });
  const [isEmpty, setEmpty] = useState(false);
  const first = useRef<HTMLInputElement>(null);
  const faultId = useId();
  const enter = useMutation({
    mutationFn: signIn,
    onSuccess: () => queryClient.resetQueries(),
    onError: () => first.current?.select(),
  });

  // The one thing to do here. An effect, because `autofocus` does nothing once the document is there.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the other way has another first field
  useEffect(() => first.current?.focus(), [way]);

  const submit = (): void => {
    const name = given.name.trim();
    const token = given.token.trim();
    const isMissing = way === 'token' ? token === '' : name === '' || given.password === '';
    setEmpty(isMissing);
    if (isMissing) first.current?.focus();
    else enter.mutate(way === 'token' ? { token } : { name, password: given.password });
  };
  const take = (part: keyof typeof given) => (value: string) => setGiven({ ...given, [part]: value });
  const turn = (): void => {
    setWay(way === 'token' ? 'password' : 'token');
    setEmpty(false);
    enter.reset();
  };
  const fault = isEmpty
    ? { message: words.required[way], remedy: '' }
    : enter.error && faultOf(enter.error, way);
  const fieldFault = fault ? faultId : undefined;

  return (
    <EntryPanel
      title={words.title}
      intro={words.intro[way]}
      onSubmit={submit}
      foot={way === 'token' ? <WhereTokensAre /> : words.noAccount}
    >
      {way === 'token' ? (
        <EntryField
          label={words.token}
          type="password"
          name="token"
          autoComplete="off"
          value={given.token}
          onChange={take('token')}
          faultId={fieldFault}
          inputRef={first}
        />
      ) : (
        <>
          <EntryField
            label={words.name}
            type="text"
            name="username"
            autoComplete="username"
            value={given.name}
            onChange={take('name')}
            faultId={fieldFault}
            inputRef={first}
          />
          <EntryField
            label={words.password}
            type="password"
            name="password"
            autoComplete="current-password"
            value={given.password}
            onChange={take('password')}
            faultId={fieldFault}
          />
        </>
      )}
      <Fault id={faultId} fault={fault} />
      <EntryButton label={words.button} busy={words.busy} isPending={enter.isPending} />
      {ways.data?.identityProvider ? (
        <a className="button" href="/signin/oidc">
          {words.organisation}
        </a>
      ) : null}
      <button type="button" className="button" onClick={turn}>
        {words.otherWay[way]}
      </button>
    </EntryPanel>
  );
}

function WhereTokensAre(): ReactElement {
  return (
    <>
      <p>{words.whereLabel}</p>
      <code className="command">{words.where}</code>
      <p>{words.whereNote}</p>
    </>
  );
}

function faultOf(err: unknown, way: Way): FaultWords {
  const { code, message, remedy } = toProblem(err);
  if (way === 'token' && code === 'NOT_AUTHENTICATED')
    return { message: words.refused, remedy: words.refusedRemedy };
  return { message, remedy };
}
