/** A refusal in the reader's words: the server's own sentence first, ours when it has none. */
import { Problem } from './api/client';
import { said, t } from './locale/language';
import type { TextKey } from './locale/texts';
import { maskNumbers } from './masking';

const OURS: Record<string, TextKey> = {
  unreachable: 'trouble.unreachable', http_403: 'trouble.http_403', http_404: 'trouble.http_404',
  http_409: 'trouble.http_409', http_429: 'trouble.http_429',
};

export function explain(trouble: unknown): string {
  if (!(trouble instanceof Problem)) return t('trouble.unknown', { code: 'page' });
  const own = said(trouble.words);
  if (own) return own;
  const ours = OURS[trouble.code] ?? OURS[`http_${trouble.status}`] ?? (trouble.status >= 500 ? 'trouble.http_500' : null);
  return ours ? t(ours) : t('trouble.unknown', { code: trouble.code });
}

interface FieldError { field: string; message: string }
const isFieldError = (error: unknown): error is FieldError =>
  typeof error === 'object' && error !== null && 'field' in error && 'message' in error;

/** One line for each field that was refused. */
export function explainFields(trouble: unknown): string[] {
  if (!(trouble instanceof Problem)) return [];
  const errors = Array.isArray(trouble.details.errors) ? trouble.details.errors.filter(isFieldError) : [];
  if (errors.length > 0) return errors.map((error) => `${error.field}: ${maskNumbers(error.message)}`);
  // A sentence of the server's own already says what is wrong; the bare field name would only repeat it.
  return trouble.field && !trouble.words ? [t('trouble.field', { field: trouble.field })] : [];
}
