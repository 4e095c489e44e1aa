/** Where somebody sleeps, in words. The server numbers rooms and beds as `1` or `R1` and `B1`. */
import { t } from './locale/language';

const bare = (label: string): string => label.replace(/^[RB](?=\d)/, '');

export function bedWords(room: string | null | undefined, bed?: string | null): string {
  if (!room) return '';
  return bed ? t('stay.roomAndBed', { room: bare(room), bed: bare(bed) }) : t('stay.roomOnly', { room: bare(room) });
}

export const bedName = (bed: string): string => t('form.bedOf', { bed: bare(bed) });
export const roomName = (room: string): string => t('stay.roomOnly', { room: bare(room) });
