/** Every request the console makes, by the name of what the person wants. */
import { asPage, stayDetail, unitDetail, unitRow } from './adapt';
import { call } from './client';
import type {
  Booked, BookingRow, FeedResult, GateEvent, GateRow, GuardianAnswer, NewBooking, Overview, Page, RawStay, RawUnit, RawUnitRow, ReportRow,
  StayDetail, StayRow, UnitDetail, UnitRow, Whoami,
} from './shapes';

type Signal = AbortSignal | undefined;
/** The server's pages are of this size. */
const PAGE = 50;

export const session = {
  get: () => call<Whoami | null>('GET', '/api/session'),
  start: (username: string, password: string) => call<Whoami>('POST', '/api/session', { body: { username, password } }),
  end: () => call<void>('DELETE', '/api/session'),
};

export const getOverview = (date: string, signal?: Signal) => call<Overview>('GET', '/api/overview', { query: { date }, signal });

export interface StayFilter { date: string; state?: string; kind?: string; text?: string; unit?: string; page?: number }
export const listStays = (filter: StayFilter, signal?: Signal) =>
  call<Page<StayRow>>('GET', '/api/stays', { query: { ...filter }, signal });

const stayDeed = async (id: string, verb: string, body: object = {}): Promise<StayDetail> =>
  stayDetail(await call<RawStay>('POST', `/api/stays/${id}/${verb}`, { body }));
export const getStay = async (id: string): Promise<StayDetail> => stayDetail(await call<RawStay>('GET', `/api/stays/${id}`));
export const eyeCheck = (id: string) => stayDeed(id, 'eye-check');
export const guardianCall = (id: string, answer: GuardianAnswer) => stayDeed(id, 'guardian-call', { answer });
export const checkIn = (id: string) => stayDeed(id, 'check-in');
export const checkOut = (id: string) => stayDeed(id, 'check-out');
export const moveStay = (id: string, to: { room_id: string; bed_id: string | null }) => stayDeed(id, 'move', to);

export const listGates = () => call<GateRow[]>('GET', '/api/gates');
export const listGateEvents = (limit: number, gate?: string) =>
  call<GateEvent[]>('GET', '/api/gate-events', { query: { gate, limit } });
export const streamTicket = () => call<{ ticket: string }>('POST', '/api/stream-ticket', { body: {} });

export const listReports = (filter: { state?: string; platform?: string; page?: number }, signal?: Signal) =>
  call<Page<ReportRow>>('GET', '/api/reports', { query: filter, signal });
export const replayReport = (id: string, onceKey: string) =>
  call<unknown>('POST', `/api/reports/${id}/replay`, { body: {}, onceKey });

export interface UnitFilter { state?: string; q?: string; page?: number }
export const listUnits = async (filter: UnitFilter, signal?: Signal): Promise<Page<UnitRow>> => {
  const page = await call<Page<RawUnitRow>>('GET', '/api/units', { query: { ...filter }, signal });
  return { ...page, items: page.items.map(unitRow) };
};
export const getUnit = async (id: string): Promise<UnitDetail> => unitDetail(await call<RawUnit>('GET', `/api/units/${id}`));
export const moveUnit = (id: string, verb: string, body: object) => call<unknown>('POST', `/api/units/${id}/${verb}`, { body });

export const listBookings = async (date: string, page: number, signal?: Signal) =>
  asPage(await call<Page<BookingRow> | BookingRow[]>('GET', '/api/bookings', { query: { date, page }, signal }), page, PAGE);
export const book = (booking: NewBooking, onceKey: string) => call<Booked>('POST', '/api/bookings', { body: booking, onceKey });
/** Where the phone page takes a registration token. */
export const registrationPath = (token: string): string => `/m/#/pages/register/register?t=${encodeURIComponent(token)}`;
export const registrationLink = async (bookingId: string): Promise<string> =>
  registrationPath((await call<{ registration_token: string }>('GET', `/api/bookings/${bookingId}/link`)).registration_token);
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
