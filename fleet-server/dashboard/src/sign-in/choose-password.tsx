import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type ReactElement, useEffect, useId, useRef, useState } from 'react';
import { acceptInvitation, setUp } from '../api/client.ts';
import { toProblem } from '../api/problem.ts';
import { texts } from '../texts.ts';
import { EntryField } from './entry-field.tsx';
import { EntryButton, EntryPanel } from './entry-panel.tsx';
import { Fault } from './fault.tsx';

/** Where a one-time link leads: the first administrator chooses name and password, an invited person a password. */
export function ChoosePassword({ kind, code }: { kind: 'setup' | 'invitation'; code: string }): ReactElement {
  const words = texts.choose;
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  // The address is cleaned below: a code must not stay in the history.
  const [link] = useState(code);
  const [given, setGiven] = useState({ name: '', password: '', again: '' });
  const [missing, setMissing] = useState<string | null>(null);
  const first = useRef<HTMLInputElement>(null);
  const faultId = useId();
  const enter = useMutation({
    mutationFn: () =>
      kind === 'setup'
        ? setUp({ code: link, name: given.name.trim(), password: given.password })
        : acceptInvitation({ code: link, password: given.password }),
    onSuccess: async () => {
      await queryClient.resetQueries();
      await navigate({ to: '/', replace: true });
    },
  });

  useEffect(() => {
    first.current?.focus();
    window.history.replaceState(window.history.state, '', window.location.pathname);
  }, []);

  const submit = (): void => {
    const problem = faultIn(given, kind);
    setMissing(problem);
    if (problem === null) enter.mutate();
    else first.current?.focus();
  };
  const take = (part: keyof typeof given) => (value: string) => setGiven({ ...given, [part]: value });
  const refused = enter.error ? toProblem(enter.error) : null;
  const fault = missing === null ? refused : { message: missing, remedy: '' };
  const fieldFault = fault ? faultId : undefined;

  return (
    <EntryPanel title={words.title[kind]} intro={words.intro[kind]} onSubmit={submit} foot={words.rule}>
      {kind === 'setup' ? (
        <EntryField
          label={texts.signIn.name}
          type="text"
          name="username"
          autoComplete="username"
          value={given.name}
          onChange={take('name')}
          faultId={fieldFault}
          inputRef={first}
        />
      ) : null}
      <EntryField
        label={texts.signIn.password}
        type="password"
        name="password"
        autoComplete="new-password"
        value={given.password}
        onChange={take('password')}
        faultId={fieldFault}
        {...(kind === 'setup' ? {} : { inputRef: first })}
      />
      <EntryField
        label={words.again}
        type="password"
        name="again"
        autoComplete="new-password"
        value={given.again}
        onChange={take('again')}
        faultId={fieldFault}
      />
      <Fault id={faultId} fault={fault} />
      <EntryButton label={words.button[kind]} busy={texts.signIn.busy} isPending={enter.isPending} />
    </EntryPanel>
  );
}

function faultIn(
  given: { readonly name: string; readonly password: string; readonly again: string },
  kind: 'setup' | 'invitation',
): string | null {
  const words = texts.choose.fault;
  if (kind === 'setup' && given.name.trim() === '') return words.name;
  if (given.password === '') return words.password;
  return given.password === given.again ? null : words.again;
}
