/** Every request the console makes, by the name of what the person wants. */
import { unitDetail, unitRow, type RawUnit } from './adapt';
import { call } from './client';
import type {
  BookingRow, FeedResult, GateEvent, GateRow, NewBooking, Overview, Page, ReportRow, StayDetail, StayRow, UnitDetail,
  UnitRow, Whoami,
} from './shapes';

type Signal = AbortSignal | undefined;

/** Some lists are plain arrays, some are pages: the console shows either. */
export function asPage<T>(answer: Page<T> | T[]): Page<T> {
  return Array.isArray(answer) ? { items: answer, total: answer.length, page: 1, size: answer.length } : answer;
}

export const session = {
  get: () => call<Whoami | null>('GET', '/api/session'),
  start: (username: string, password: string) => call<Whoami>('POST', '/api/session', { body: { username, password } }),
  end: () => call<void>('DELETE', '/api/session'),
};

export const getOverview = (date: string, signal?: Signal) =>
  call<Overview>('GET', '/api/overview', { query: { date }, signal });

export interface StayFilter { date: string; state?: string; kind?: string; q?: string; unit?: string; page?: number }
export const listStays = async (filter: StayFilter, signal?: Signal) =>
  asPage(await call<Page<StayRow> | StayRow[]>('GET', '/api/stays', { query: { ...filter }, signal }));
export const getStay = (id: string) => call<StayDetail>('GET', `/api/stays/${id}`);
export const eyeCheck = (id: string, note: string) => call<StayDetail>('POST', `/api/stays/${id}/eye-check`, { body: { note } });
export const checkIn = (id: string) => call<StayDetail>('POST', `/api/stays/${id}/check-in`, { body: {} });
export const checkOut = (id: string) => call<StayDetail>('POST', `/api/stays/${id}/check-out`, { body: {} });
export const moveStay = (id: string, to: { room_id: string; bed_id: string | null; reason: string }) =>
  call<StayDetail>('POST', `/api/stays/${id}/move`, { body: to });

export const listGates = async () => asPage(await call<GateRow[] | Page<GateRow>>('GET', '/api/gates')).items;
export const listGateEvents = async (limit: number, gate?: string) =>
  asPage(await call<GateEvent[] | Page<GateEvent>>('GET', '/api/gate-events', { query: { gate, limit } })).items;
export const streamTicket = () => call<{ ticket: string }>('POST', '/api/stream-ticket', { body: {} });

export const listReports = async (filter: { state?: string; page?: number }, signal?: Signal) =>
  asPage(await call<Page<ReportRow>>('GET', '/api/reports', { query: filter, signal }));
export const replayReport = (id: string, onceKey: string) =>
  call<unknown>('POST', `/api/reports/${id}/replay`, { body: {}, onceKey });

export interface UnitFilter { state?: string; q?: string; page?: number }
export const listUnits = async (filter: UnitFilter, signal?: Signal): Promise<Page<UnitRow>> => {
  const page = asPage(await call<Page<RawUnit> | RawUnit[]>('GET', '/api/units', { query: { ...filter }, signal }));
  return { ...page, items: page.items.map(unitRow) };
};
/** With a period, each bed says whether it is free in it. */
export const getUnit = async (id: string, period?: { from: string; to: string }): Promise<UnitDetail> =>
  unitDetail(await call<RawUnit>('GET', `/api/units/${id}`, { query: period }));
export const moveUnit = (id: string, verb: string, body: object) => call<unknown>('POST', `/api/units/${id}/${verb}`, { body });

export const listBookings = async (date: string, page: number, signal?: Signal) =>
  asPage(await call<Page<BookingRow> | BookingRow[]>('GET', '/api/bookings', { query: { date, page }, signal }));
export const book = (booking: NewBooking, onceKey: string) =>
  call<BookingRow>('POST', '/api/bookings', { body: booking, onceKey });
/** The link comes with a fresh booking; for an older one it is asked for. */
export const registrationLink = async (booking: BookingRow): Promise<string> => {
  if (booking.registration_url) return booking.registration_url;
  const { url } = await call<{ url: string }>('POST', `/api/bookings/${booking.id}/link`, { body: {} });
  return url;
};
export const cancelBooking = (id: string, reason: string) =>
  call<BookingRow>('POST', `/api/bookings/${id}/cancel`, { body: { reason } });
export const extendBooking = (id: string, leave_at: string) =>
  call<BookingRow>('POST', `/api/bookings/${id}/extend`, { body: { leave_at } });
export const noShow = (id: string) => call<BookingRow>('POST', `/api/bookings/${id}/no-show`, { body: {} });
export const importFeed = (feed: { file: File; unitId: string }, onceKey: string) => {
  const form = new FormData();
  form.append('file', feed.file);
  if (feed.unitId) form.append('unit_id', feed.unitId);
  return call<FeedResult>('POST', '/api/bookings/feed', { form, onceKey });
};
