/** How long ago, or how long it took, in as few letters as a tile has room for. */
import { t } from './locale/language';

export function ageWords(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return '–';
  if (seconds < 60) return t('age.s', { n: Math.max(0, Math.round(seconds)) });
  if (seconds < 3600) return t('age.m', { n: Math.round(seconds / 60) });
  if (seconds < 172_800) return t('age.h', { n: Math.round(seconds / 3600) });
  return t('age.d', { n: Math.round(seconds / 86_400) });
}
