import { CodedError } from '@ringfleet/shared/errors';

/** A path that is there, asked with a method that is not for it. */
export class MethodNotAllowed extends CodedError {
  /** Value of the `Allow` header. */
  readonly allow: string;

  constructor(method: string, allowed: 'GET' | 'POST') {
    const allow = allowed === 'GET' ? 'GET, HEAD' : allowed;
    super('METHOD_NOT_ALLOWED', `${method.slice(0, 20)} is not for this path, but ${allow}`);
    this.allow = allow;
  }
}

/** HEAD is answered where GET is. Throws METHOD_NOT_ALLOWED. */
export function expectMethod(method = '', allowed: 'GET' | 'POST'): void {
  if (method !== allowed && !(allowed === 'GET' && method === 'HEAD'))
    throw new MethodNotAllowed(method, allowed);
}
