/** What the console asks about the links to the authorities: switches, accounts, peers, nights and questions, and what may be read under watch. */
import type { components } from '../../../api-types/schema';
import { call, fetchFile } from './client';

type Schema = components['schemas'];
type Signal = AbortSignal | undefined;

export type Link = Schema['LinkView'];
export type PlatformAccount = Schema['PlatformAccountView'];
export type AccountForm = Required<Schema['AccountForm']>;
export type Peer = Schema['PeerView'];
export type PeerOrder = Required<Schema['PeerOrder']>;
export type PeerChange = Partial<Schema['PeerChangeOrder']>;
export type DeviceOrder = Schema['OrderView'];
export type DeviceOrderForm = Schema['DeviceOrder'];
export type PeerDevice = Schema['PeerDeviceView'];
export type ReportFile = Schema['ReportView'];
export type Night = Schema['NightView'];
export type PlatformNight = Schema['PlatformNight'];
export type Question = Schema['QuestionView'];
export type QuestionPage = Schema['QuestionPage'];
export type Hit = Schema['HitView'];
export type Disclosure = Schema['DisclosureView'];
export type Standing = Schema['StandingView'];
export type AnotherWay = Schema['AnotherWay'];
export type Operator = Pick<Schema['OperatorView'], 'id' | 'name' | 'closed_at'>;

export const listLinks = (signal?: Signal) => call<Link[]>('GET', '/api/links', { signal });
export const pauseLink = (platform: string, reason: string) => call<void>('POST', `/api/links/${platform}/pause`, { body: { reason } });
export const resumeLink = (platform: string) => call<void>('POST', `/api/links/${platform}/resume`, { body: {} });

export const listPlatformAccounts = (signal?: Signal) => call<PlatformAccount[]>('GET', '/api/links/accounts', { signal });
export const setPlatformAccount = (platform: string, operatorId: string, body: AccountForm) =>
  call<PlatformAccount>('PUT', `/api/links/${platform}/accounts/${operatorId}`, { body });
export const removePlatformAccount = (platform: string, operatorId: string) => call<void>('DELETE', `/api/links/${platform}/accounts/${operatorId}`);

export const listPeers = (signal?: Signal) => call<Peer[]>('GET', '/api/viid/peers', { signal });
export const addPeer = (body: PeerOrder, onceKey: string) => call<Peer>('POST', '/api/viid/peers', { body, onceKey });
export const changePeer = (id: string, body: PeerChange) => call<Peer>('PATCH', `/api/viid/peers/${id}`, { body });

export const listOrders = (signal?: Signal) => call<DeviceOrder[]>('GET', '/api/links/viid/orders', { signal });
export const orderDevices = (body: DeviceOrderForm, onceKey: string) => call<DeviceOrder>('POST', '/api/links/viid/orders', { body, onceKey });
export const cancelOrder = (id: string, reason: string) => call<DeviceOrder>('POST', `/api/links/viid/orders/${id}/cancel`, { body: { reason } });
export const listPeerDevices = (signal?: Signal) => call<PeerDevice[]>('GET', '/api/links/viid/devices', { signal });

export const getReport = (id: string, signal?: Signal) => call<ReportFile>('GET', `/api/reports/${id}`, { signal });
export const replayReports = (reason: string, onceKey: string) =>
  call<{ replayed: number }>('POST', '/api/reports/replay', { body: { reason }, onceKey });

export const getNight = (date: string, signal?: Signal) => call<Night>('GET', '/api/reconciliations', { query: { date }, signal });
export const countNight = (date: string, onceKey: string) => call<Night>('POST', '/api/reconciliations', { body: { date }, onceKey });
export const listQuestions = (filter: { state?: string; date?: string; page?: number }, signal?: Signal) =>
  call<QuestionPage>('GET', '/api/questions', { query: filter, signal });
export const answerQuestion = (id: string, text: string, onceKey: string) =>
  call<Question>('POST', `/api/questions/${id}/answer`, { body: { text }, onceKey });

/** Both are POSTs although they read: every look is entered in the audit chain. */
export const readHits = () => call<Hit[]>('POST', '/api/police/hits', { body: {} });
export const searchDisclosures = (personId: string) => call<Disclosure[]>('POST', '/api/disclosures', { body: { person_id: personId } });

export const listStandings = (stayId: string) => call<Standing[]>('GET', `/api/stays/${stayId}/standing`);
export const getReceiptPaper = (stayId: string) => fetchFile(`/api/stays/${stayId}/receipt`);
export const listAnotherWay = (signal?: Signal) => call<AnotherWay[]>('GET', '/api/face-checks/another-way', { signal });
export const findOperators = async (q: string, signal?: Signal): Promise<Operator[]> =>
  (await call<{ items: Operator[] }>('GET', '/api/operators', { query: { q }, signal })).items;
export const getOperator = (id: string) => call<Operator>('GET', `/api/operators/${id}`);
