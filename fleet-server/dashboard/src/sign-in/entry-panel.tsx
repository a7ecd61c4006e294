import './sign-in.css';
import type { FormEvent, ReactElement, ReactNode } from 'react';

/** The panel of a page on the way in: what it is for, a form, and what stands below it. */
export function EntryPanel({
  title,
  intro,
  onSubmit,
  foot,
  children,
}: {
  title: string;
  intro: string;
  onSubmit: () => void;
  foot: ReactNode;
  children: ReactNode;
}): ReactElement {
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    onSubmit();
  };
  return (
    <div className="sign-in-wrap">
      <div className="panel sign-in">
        <h1>{title}</h1>
        <p>{intro}</p>
        <form className="sign-in-form" onSubmit={submit} noValidate>
          {children}
        </form>
        <div className="sign-in-where">{foot}</div>
      </div>
    </div>
  );
}

/** The button that sends it, and what it says meanwhile. */
export function EntryButton({
  label,
  busy,
  isPending,
}: {
  label: string;
  busy: string;
  isPending: boolean;
}): ReactElement {
  return (
    <button type="submit" className="button button-main" disabled={isPending}>
      {isPending ? busy : label}
    </button>
  );
}
