/** What the house decides about its doors: what each gate offers, on what terms passes are given, and who works here. */
import type { components } from '../../../api-types/schema';
import { call } from './client';

type Schema = components['schemas'];
type Signal = AbortSignal | undefined;

export type GateWays = Schema['GateWaysView'];
export type GateRules = Schema['GateRulesView'];
export type GateRulesChange = Schema['GateRulesChange'];
export type NewTerms = Schema['TermsBody'];
export type NewHours = Schema['HoursBody'];
// The schema knows two things by the name PassState; a pass's own state is a word.
export type ContractPass = Omit<Schema['ContractPassView'], 'granted'> & { granted: Omit<Schema['PassView'], 'state'> & { state: string } };
export type NewContractPass = Schema['ContractPassBody'];
export type Dwelling = Schema['DwellingView'];

export const listGateWays = (signal?: Signal) => call<GateWays[]>('GET', '/api/gates/ways', { signal });
export const listGateRules = (signal?: Signal) => call<GateRules[]>('GET', '/api/gates/rules', { signal });
export const changeGateRules = (code: string, changes: GateRulesChange) => call<GateRules>('PATCH', `/api/gates/${encodeURIComponent(code)}/rules`, { body: changes });

export const decideTerms = (kind: string, terms: NewTerms, onceKey: string) => call<Schema['TermsView']>('POST', `/api/terms/${kind}`, { body: terms, onceKey });
export const setHours = (table: number, hours: NewHours) => call<Schema['HoursView']>('PUT', `/api/weekly-hours/${table}`, { body: hours });
export const listHolidays = (signal?: Signal) => call<string[]>('GET', '/api/holidays', { signal });
export const setHolidays = (days: readonly string[]) => call<string[]>('PUT', '/api/holidays', { body: { days } });

export const listContractPasses = (signal?: Signal) => call<ContractPass[]>('GET', '/api/desk/contracts', { signal });
export const giveContractPass = (wanted: NewContractPass, onceKey: string) => call<Schema['PassView']>('POST', '/api/desk/contracts', { body: wanted, onceKey });
export const endContract = (contract: string, reason: string) => call<{ passes: number }>('POST', '/api/desk/contracts/end', { body: { contract, reason } });
export const findDwellings = async (text: string, signal?: Signal): Promise<Dwelling[]> =>
  (await call<Schema['DwellingPage']>('GET', '/api/dwellings', { query: { q: text }, signal })).items;

export const bindIdentityCard = (passId: string, number: string) => call<Schema['CredentialView']>('POST', `/api/desk/passes/${passId}/idcards`, { body: { number } });
export const replaceCard = (id: string, number: string, reason: string, onceKey: string) =>
  call<Schema['CredentialView']>('POST', `/api/credentials/${id}/card`, { body: { number, reason }, onceKey });
export const replacePin = (id: string, reason: string) => call<Schema['IssuedPin']>('POST', `/api/credentials/${id}/pin`, { body: { reason } });
