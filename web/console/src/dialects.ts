import { t } from './locale/language';

/** A platform's dialect: two have names, the others are letters for what was noticed. */
export function dialectWords(name: string | null | undefined): string {
  if (!name) return '–';
  if (name === 'strict' || name === 'loose') return t(`dialect.${name}`);
  return name.startsWith('mixed-') ? t('dialect.mixed', { letters: name.slice(6) }) : name;
}
