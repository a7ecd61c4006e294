import { type ReactElement, type Ref, useId } from 'react';

/** One labelled line of a form on the way in. */
export function EntryField({
  label,
  value,
  onChange,
  faultId,
  inputRef,
  ...input
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  /** Of the fault that this field is part of. */
  faultId: string | undefined;
  inputRef?: Ref<HTMLInputElement>;
  type: 'text' | 'password';
  name: string;
  autoComplete: 'username' | 'current-password' | 'new-password' | 'off';
}): ReactElement {
  const id = useId();
  return (
    <>
      <label htmlFor={id}>{label}</label>
      <input
        {...input}
        ref={inputRef}
        id={id}
        className="field"
        autoCapitalize="none"
        spellCheck={false}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        aria-invalid={faultId ? true : undefined}
        aria-describedby={faultId}
      />
    </>
  );
}
