/** Who did something, as far as the record says: it keeps accounts, not names. */
import { t, word } from './locale/language';
import { session } from './session';

export function whoWords(id: string | null | undefined): string {
  if (!id) return '';
  if (id === session.who?.id || id === session.who?.username) return t('app.you');
  if (id === 'system') return t('app.system');
  // An account's id is long and says nothing; its end tells two of them apart.
  const account = /^[a-z]+_[0-9A-Z]{20,}$/.test(id);
  return account ? t('app.account', { tail: id.slice(-4) }) : id;
}

/** Whose turn it is: the office's, an operator's, or an account's. */
export function ownerWords(owner: string | null | undefined): string {
  if (!owner) return '–';
  if (owner.startsWith('operator')) return word('role', 'operator');
  return owner === 'office' ? word('role', 'office') : whoWords(owner);
}
