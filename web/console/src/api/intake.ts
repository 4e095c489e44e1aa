/** How orders come in and occupied nights go out: calendars, lists, hooks, and the questions only a person can decide. */
import type { components } from '../../../api-types/schema';
import { call } from './client';
import type { Page } from './shapes';

type Schema = components['schemas'];
type Signal = AbortSignal | undefined;

export type Feed = Schema['FeedView'];
export type IntakeTask = Schema['IntakeTaskView'];
export type TaskSide = Schema['TaskSide'];
export type Hook = Schema['HookView'];
export type HookMade = Schema['HookMade'];
export type CalendarLink = Schema['CalendarLinkView'];
export type Listed = Schema['FeedResult'];
export type NewFeed = Pick<Schema['SubscriptionBody'], 'unit_id' | 'room_id' | 'url' | 'takes' | 'name' | 'every_minutes'>;
// The schema knows two bodies by the name AnswerBody, so the choices are written down here.
export type TaskChoice = 'keep' | 'take' | 'follow' | 'cancel';

export const listTasks = (state: 'open' | 'closed', page: number, signal?: Signal) =>
  call<Page<IntakeTask>>('GET', '/api/intake-tasks', { query: { state, page }, signal });
export const answerTask = (id: string, choice: TaskChoice, note: string) =>
  call<IntakeTask>('POST', `/api/intake-tasks/${id}/answer`, { body: { choice, note } });

export const listFeeds = (page: number, signal?: Signal) => call<Page<Feed>>('GET', '/api/feeds', { query: { page }, signal });
export const followCalendar = (feed: NewFeed, onceKey: string) => call<Feed>('POST', '/api/feeds', { body: feed, onceKey });
export type FeedVerb = 'pause' | 'resume' | 'read' | 'end';
export const turnFeed = (id: string, verb: FeedVerb) => call<Feed>('POST', `/api/feeds/${id}/${verb}`, { body: {} });

function listForm(file: File, unitId: string): FormData {
  const form = new FormData();
  form.append('file', file);
  if (unitId) form.append('unit_id', unitId);
  return form;
}
/** What would become of each line; nothing changes. */
export const previewList = (file: File, unitId: string) => call<Listed>('POST', '/api/bookings/feed/preview', { form: listForm(file, unitId) });
export const importList = (file: File, unitId: string, onceKey: string) => call<Listed>('POST', '/api/bookings/feed', { form: listForm(file, unitId), onceKey });

export const listHooks = (signal?: Signal) => call<Hook[]>('GET', '/api/hooks', { signal });
export const makeHook = (operatorId: string, channel: string, onceKey: string) =>
  call<HookMade>('POST', '/api/hooks', { body: { operator_id: operatorId, channel }, onceKey });
export const rotateHook = (id: string) => call<HookMade>('POST', `/api/hooks/${id}/rotate`, { body: {} });
export const endHook = (id: string) => call<Hook>('POST', `/api/hooks/${id}/end`, { body: {} });

export const listCalendars = (signal?: Signal) => call<CalendarLink[]>('GET', '/api/calendars', { signal });
export const makeCalendar = (wanted: { unit_id: string; room_id: string | null; name: string }, onceKey: string) =>
  call<CalendarLink>('POST', '/api/calendars', { body: wanted, onceKey });
export const revokeCalendar = (id: string) => call<CalendarLink>('POST', `/api/calendars/${id}/revoke`, { body: {} });
/** What a channel is given: the whole address, of this very server. */
export const wholeAddress = (path: string): string => `${window.location.origin}${path}`;
