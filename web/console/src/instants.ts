/**
 * Instants as the estate reads them. The server speaks UTC; nights, days and deadlines belong to the estate's zone,
 * whatever zone the browser sits in.
 */
export const ESTATE_ZONE = 'Asia/Shanghai';

const parts = (at: Date, zone: string): Record<string, string> =>
  Object.fromEntries(
    new Intl.DateTimeFormat('en-CA', {
      timeZone: zone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit',
      minute: '2-digit', second: '2-digit',
    }).formatToParts(at).map((part) => [part.type, part.value]),
  );

const read = (instant: string | Date): Date | null => {
  const at = instant instanceof Date ? instant : new Date(instant);
  return Number.isNaN(at.getTime()) ? null : at;
};

/** The estate's calendar day of an instant, `2025-06-30`. */
export function dayOf(instant: string | Date, zone = ESTATE_ZONE): string {
  const at = read(instant);
  if (!at) return '';
  const p = parts(at, zone);
  return `${p.year}-${p.month}-${p.day}`;
}

/** `21:04`, or `21:04:33` with seconds; empty for nothing. */
export function clockOf(instant: string | Date | null | undefined, seconds = false, zone = ESTATE_ZONE): string {
  const at = instant ? read(instant) : null;
  if (!at) return '';
  const p = parts(at, zone);
  return seconds ? `${p.hour}:${p.minute}:${p.second}` : `${p.hour}:${p.minute}`;
}

/** `06-30 21:04`: short, sortable and the same in both languages. */
export function momentOf(instant: string | Date | null | undefined, zone = ESTATE_ZONE): string {
  const at = instant ? read(instant) : null;
  return at ? `${dayOf(at, zone).slice(5)} ${clockOf(at, false, zone)}` : '';
}

/** The minutes by which a zone is ahead of UTC at an instant. */
function offsetMinutes(at: Date, zone: string): number {
  const p = parts(at, zone);
  const wall = Date.UTC(Number(p.year), Number(p.month) - 1, Number(p.day), Number(p.hour), Number(p.minute), Number(p.second));
  return Math.round((wall - Math.floor(at.getTime() / 1000) * 1000) / 60_000);
}

/** The instant at which the estate's clocks show this day and time, as an ISO text in UTC. */
export function instantAt(day: string, clock: string, zone = ESTATE_ZONE): string {
  const asIfUtc = new Date(`${day}T${clock}:00Z`);
  const first = new Date(asIfUtc.getTime() - offsetMinutes(asIfUtc, zone) * 60_000);
  // A second look, for zones whose offset changed between the guess and the answer.
  return new Date(asIfUtc.getTime() - offsetMinutes(first, zone) * 60_000).toISOString();
}

export function addDays(day: string, count: number): string {
  const at = new Date(`${day}T12:00:00Z`);
  at.setUTCDate(at.getUTCDate() + count);
  return at.toISOString().slice(0, 10);
}

/** 0 is Sunday, as in `Date`. */
export const weekdayOf = (day: string): number => new Date(`${day}T12:00:00Z`).getUTCDay();

/** Nights between two instants by the estate's calendar; 0 for day use. */
export function nightsBetween(arrive: string, leave: string, zone = ESTATE_ZONE): number {
  const from = Date.parse(`${dayOf(arrive, zone)}T00:00:00Z`);
  const to = Date.parse(`${dayOf(leave, zone)}T00:00:00Z`);
  return Number.isNaN(from) || Number.isNaN(to) ? 0 : Math.max(0, Math.round((to - from) / 86_400_000));
}

export interface Remaining { late: boolean; hours: number; minutes: number; seconds: number; urgent: boolean }

/** How long until, or since, a deadline; urgent in the last half hour and after it. */
export function remaining(due: string | null | undefined, now: number): Remaining | null {
  const at = due ? read(due) : null;
  if (!at) return null;
  const span = at.getTime() - now;
  const seconds = Math.floor(Math.abs(span) / 1000);
  return {
    late: span < 0,
    hours: Math.floor(seconds / 3600),
    minutes: Math.floor((seconds % 3600) / 60),
    seconds: seconds % 60,
    urgent: span < 30 * 60_000,
  };
}
