import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { texts } from '../texts.ts';

export function NotFound(): ReactElement {
  return (
    <div className="lonely">
      <h1 className="section-title">{texts.problem.notFoundTitle}</h1>
      <Link to="/">{texts.problem.notFoundBack}</Link>
    </div>
  );
}
