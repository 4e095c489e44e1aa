/** A refusal in the reader's words: the server's own sentence first, ours when it has none. */
import { Problem } from './api/client';
import { language, said, t } from './locale/language';
import type { TextKey } from './locale/texts';

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

/** One line for each field that was refused. */
export function explainFields(trouble: unknown): string[] {
  if (!(trouble instanceof Problem)) return [];
  const lines = trouble.errors.map((error) => {
    const words = typeof error.message === 'string' ? error.message : error.message?.[language.value];
    return [error.field, words].filter(Boolean).join('：');
  });
  if (lines.length === 0 && trouble.field) lines.push(t('trouble.field', { field: trouble.field }));
  return lines.filter(Boolean);
}
