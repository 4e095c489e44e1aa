/** Where somebody sleeps, in words. The server numbers rooms and beds as `1` or `R1` and `B1`. */
import { t } from './locale/language';

const bare = (label: string): string => label.replace(/^[RB](?=\d)/, '');

export function bedWords(room: string | null | undefined, bed?: string | null): string {
  if (!room) return '';
  return bed ? t('stay.roomAndBed', { room: bare(room), bed: bare(bed) }) : t('stay.roomOnly', { room: bare(room) });
}

/** What a booking holds, from beds named `R1-B2`: which rooms, and how many beds in them. */
export function heldWords(held: readonly string[]): string {
  const rooms = [...new Set(held.map((bed) => bare(bed.split('-')[0] ?? '')))].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  return t('stay.held', { rooms: rooms.join(t('stay.and')), n: held.length });
}

export const bedName = (bed: string): string => t('form.bedOf', { bed: bare(bed) });
export const roomName = (room: string): string => t('stay.roomOnly', { room: bare(room) });
