/** What the console asks of the doors: the board, alarms, devices, passes at the desk, faces, terms and the public-health mode. */
import { call } from './client';
import type { Words } from './shapes';

type Signal = AbortSignal | undefined;

export interface LastPassage { happened_at: string; method: string; direction: string; opened: boolean; reason: string }
export interface BoardGate {
  code: string; name_zh: string; name_en: string; kind: string; online: boolean; last_seen_at: string | null; version: number; behind: number;
  /** Seconds since the server last stood where this gate's list stands; null before it had one. */
  list_age_s: number | null;
  terminals: { known: number; online: number; pending: number; failed: number };
  alarms: string[]; unseen_alarms: number; last_passage: LastPassage | null; missing: number; unsent: number;
}
export interface GateAlarm {
  id: number; gate: string; source: string; kind: string; words: string; began_at: string; ended_at: string | null; seen_by: string; seen_at: string | null;
}
export interface GateCommand {
  id: string; gate: string; kind: string; asked_by: string; why: string; asked_at: string; expires_at: string; outcome: string; words: string; done_at: string | null;
}
export interface Holder { number: string; serial: string; holder_kind: string; standing: string; opens: boolean; start: string | null; end: string | null; trouble: string }
export interface Keeper {
  terminal: string | null; make: string; read_at: string | null; age_s: number | null; version: number | null; holds: number; opens: number; missing: number;
  surplus: number; outdated: number; strangers: number; people: Holder[];
}
export interface Who { gate: string; asked_at: string; keepers: Keeper[] }
export interface Terminal {
  id: string; code: string; gate: string; make: string; model: string; enabled: boolean; online: boolean; seen_at: string | null; firmware: string;
  drift_ms: number | null; trouble: string; ok: number; pending: number; failed: number; troubles: Record<string, number>; listed: number; listed_at: string | null; strangers: number;
}
export interface Drift { terminal: string; gate: string; wanted: number; holds: number; missing: number; surplus: number; outdated: number; strangers: number; read_at: string | null }
export interface Receipt { gate: string; box: string | null; concerned: boolean; version: number | null; applied_at: string | null; receipted_at: string | null }
export interface Receipts {
  pass_id: string; state: string; version: number; changed_at: string; gates: number; receipted: number; seconds: number | null; receipts: Receipt[];
}
export interface TerminalReceipt { terminal: string; gate: string; state: string | null; version: number | null; changed_at: string | null; told_at: string | null; trouble: string }
export interface Closure { receipts: Receipts; holding: number; removed_seconds: number | null; terminals: TerminalReceipt[] }

export const getBoard = (signal?: Signal) => call<BoardGate[]>('GET', '/api/gates/board', { signal });
export const listAlarms = (running: boolean, limit = 100) => call<GateAlarm[]>('GET', '/api/gate-alarms', { query: { running, limit } });
export const seenAlarm = (id: number) => call<GateAlarm>('POST', `/api/gate-alarms/${id}/seen`, { body: {} });
export const listCommands = (gate: string, limit = 10) => call<GateCommand[]>('GET', '/api/gate-commands', { query: { gate, limit } });
export type GateVerb = 'open' | 'release' | 'listing' | 'compare';
export const askGate = (gate: string, verb: GateVerb, reason: string, onceKey: string) =>
  call<GateCommand>('POST', `/api/gates/${gate}/${verb}`, { body: reason ? { reason } : {}, onceKey });
export const whoCanOpen = (gate: string, signal?: Signal) => call<Who>('GET', `/api/gates/${gate}/who`, { query: { limit: 200 }, signal });
export const listTerminals = (signal?: Signal) => call<Terminal[]>('GET', '/api/terminals', { signal });
export const listDrift = (signal?: Signal) => call<Drift[]>('GET', '/api/terminals/drift', { signal });
export const getClosure = (passId: string, signal?: Signal) => call<Closure>('GET', `/api/passes/${passId}/terminals`, { signal });
export const revokePass = (passId: string, reason: string) => call<unknown>('POST', `/api/passes/${passId}/revoke`, { body: { reason } });

export interface Proof { id: string; kind: string; label: string; live: boolean; issued_at: string }
export interface DeskPass {
  id: string; number: string; holder_kind: string; state: string; start: string; end: string; static: boolean; hours: number; uses: number;
  doors: ({ number: number } & Words)[]; credentials: Proof[];
}
export interface Paper { granted: { id: string; number: string; holder_kind: string; start: string; end: string }; code: string }
export interface IssuedPin { credential: Proof; pin: string }

export const findDeskPass = (number: string) => call<DeskPass>('GET', '/api/desk/passes', { query: { number } });
export const issuePaper = (passId: string, onceKey: string) => call<Paper>('POST', `/api/desk/passes/${passId}/paper`, { body: {}, onceKey });
export const issueCard = (passId: string, number: string, onceKey: string) =>
  call<Proof>('POST', `/api/desk/passes/${passId}/cards`, { body: { number }, onceKey });
export const issuePin = (passId: string, onceKey: string) => call<IssuedPin>('POST', `/api/desk/passes/${passId}/pin`, { body: {}, onceKey });
export const withdrawProof = (id: string, reason: string) => call<unknown>('POST', `/api/credentials/${id}/withdraw`, { body: { reason } });
export const admitCourier = (onceKey: string) => call<Paper>('POST', '/api/desk/couriers', { body: {}, onceKey });

export interface HolderFaces {
  offered: boolean; guardian_under: number | null; consented_at: string | null; held: { id: string; enrolled_at: string; expires_at: string } | null;
  removed: { id: string; removed_at: string; gates: number; receipted: number }[];
}
export interface Notice extends Words { purpose: string; version: string; digest: string }
export interface EnrolmentAsked extends Words { ticket: string; side: string; frames_least: number; frames_most: number; expires_at: string }
export interface DeskConsent { notice_digest: string; pass_number: string; guardian: boolean; guardian_pass_number: string | null; on_paper: boolean; evidence: string }
export const faceOf = (number: string) => call<HolderFaces>('GET', '/api/faces/of', { query: { pass_number: number } });
export const faceNotice = () => call<Notice>('GET', '/api/privacy/notices/face_pass');
export const consentAtDesk = (body: DeskConsent) => call<HolderFaces>('POST', '/api/faces/consents', { body });
export const withdrawFaceAtDesk = (number: string) => call<HolderFaces>('POST', '/api/faces/withdrawals', { body: { pass_number: number } });
export const beginFace = (number: string, onceKey: string) => call<EnrolmentAsked>('POST', '/api/faces/enrolments', { body: { pass_number: number }, onceKey });
export const sendFace = (ticket: string, front: Blob, frames: readonly Blob[]) => {
  const form = new FormData();
  form.append('picture', front, 'front.jpg');
  frames.forEach((frame, place) => form.append('frames', frame, `${place}.jpg`));
  return call<unknown>('POST', `/api/faces/enrolments/${encodeURIComponent(ticket)}/pictures`, { form });
};

export interface FaceHoldings { persons: number; warn_at: number; file_at: number; duty: string; reached_on: string | null; file_by: string | null }
export interface WrongRate { reported: number; of: number; rate: number; at_least: number; at_most: number }
export interface GateFaces { gate: string; opened: number; refused: number; false_accepts: WrongRate; false_rejects: WrongRate; last_told_at: string | null }
export interface FaceReport { digest: string; model: string; threshold: number; margin: number; gallery_cap: number; figures: Record<string, unknown>; taken_by: string; taken_at: string }
export const faceHoldings = (signal?: Signal) => call<FaceHoldings>('GET', '/api/faces/holdings', { signal });
export const faceErrors = (days: number, signal?: Signal) => call<GateFaces[]>('GET', '/api/faces/errors', { query: { days }, signal });
export const faceReports = (signal?: Signal) => call<FaceReport[]>('GET', '/api/faces/reports', { signal });
export const reportFaceError = (gate: string, sequence: number, kind: string, onceKey: string) =>
  call<unknown>('POST', '/api/faces/errors', { body: { gate, sequence, kind }, onceKey });

export interface HolderTerms {
  holder_kind: string; doors: string[]; ways: string[]; early_minutes: number; late_minutes: number; longest_minutes: number; ends_by: number | null;
  review_days: number; hours: number; uses: number; source: string; in_force_from: string | null; decided_by: string;
}
export interface WeeklyHours { number: number; name_zh: string; name_en: string; slots: { weekday: number; start: number; end: number }[]; holidays: boolean }
export const listTerms = (signal?: Signal) => call<HolderTerms[]>('GET', '/api/terms', { signal });
export const termsHistory = (kind: string) => call<HolderTerms[]>('GET', `/api/terms/${kind}`);
export const listHours = (signal?: Signal) => call<WeeklyHours[]>('GET', '/api/weekly-hours', { signal });

export interface HealthAsk { legal_basis: string; ordered_by: string; end: string; most_c10: number; code_wanted: boolean; holders: string[] }
export interface HealthOrder extends HealthAsk { id: string; asked_by: string; approved_by: string; start: string; ended_at: string | null; purged_at: string | null; running: boolean }
export interface HealthProposal extends HealthAsk { id: string; asked_by: string; asked_at: string; answered_by: string; answered_at: string | null; accepted: boolean }
export interface Health { on: boolean; orders: HealthOrder[]; proposals: HealthProposal[] }
export const getHealth = (signal?: Signal) => call<Health>('GET', '/api/health-orders', { signal });
export const proposeHealth = (body: HealthAsk, onceKey: string) => call<HealthProposal>('POST', '/api/health-orders', { body, onceKey });
export const approveHealth = (id: string) => call<HealthOrder>('POST', `/api/health-orders/${id}/approve`, { body: {} });
export const declineHealth = (id: string, reason: string) => call<HealthProposal>('POST', `/api/health-orders/${id}/decline`, { body: { reason } });
export const endHealth = (id: string, reason: string) => call<HealthOrder>('POST', `/api/health-orders/${id}/end`, { body: { reason } });
