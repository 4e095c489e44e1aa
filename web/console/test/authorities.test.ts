import { expect, it } from 'vitest';
import { byReason, canSendAgain, DETAILS, endsByHand, evennessOf, linkRows, linkState, mayAnswer, onlineState } from '../src/authorities';
import en from '../src/locale/en.json';
import { mayDo, maySee } from '../src/permissions';

const as = (...roles: string[]) => roles.map((role) => ({ role, scope: '*' }));
const working = { platform: 'lodging', paused_at: null, paused_by: null, pause_reason: null, failing_since: null, failing_with: null, waiting: 0 };

it('the face layer has a switch before it was ever asked, and is not called working', () => {
  const rows = linkRows([working]);
  expect(rows.map((row) => row.platform)).toEqual(['lodging', 'face_layer']);
  expect(rows.map(linkState)).toEqual(['WORKING', 'QUIET']);
  expect(linkRows([working, { ...working, platform: 'face_layer' }])).toHaveLength(2);
});

it('a pause is named before a failure', () => {
  const failing = { ...working, failing_since: '2026-01-01T00:00:00Z', heard: true };
  expect(linkState(failing)).toBe('FAILING');
  expect(linkState({ ...failing, paused_at: '2026-01-01T00:00:00Z' })).toBe('PAUSED');
});

it('what is held up is counted by its reason, the most first', () => {
  const row = (reason: string | null, platform: string) => ({ reason, platform, says: null });
  const held = byReason([row('no_account', 'lodging'), row('nonsense', 'lodging'), row('nonsense', 'viid'), row(null, 'lodging')]);
  expect(held.map((one) => [one.reason, one.count])).toEqual([['nonsense', 2], ['', 1], ['no_account', 1]]);
  expect(held[0]?.platforms).toEqual(['lodging', 'viid']);
});

it('a night is not called even while the other side is not known, nor while a flat of the house is uneven', () => {
  const night = { known: true, differences: 0, silent: 0, units: [] };
  expect(evennessOf(night)).toBe('EVEN');
  expect(evennessOf({ ...night, known: null })).toBe('EVEN');
  expect(evennessOf({ ...night, known: false })).toBe('UNKNOWN');
  expect(evennessOf({ ...night, known: false, silent: 1 })).toBe('UNEVEN');
  const flat = { unit_id: 'unit_1', unit_label: 'D01', booked: 1, registered: 2, entered: 2, due: 2, reported: 2, receipted: 2, counted: 2, even: false };
  expect(evennessOf({ ...night, units: [flat] })).toBe('UNEVEN');
});

it('what waits behind another is not sent again by hand', () => {
  expect(canSendAgain('behind_another')).toBe(false);
  expect(canSendAgain('refused_by_platform')).toBe(true);
});

it('a question is its owner’s to answer and nobody else’s', () => {
  expect(mayAnswer(as('office'), 'office')).toBe(true);
  expect(mayAnswer(as('police', 'auditor'), 'office')).toBe(false);
  const mine = [{ role: 'operator', scope: 'operator:op_1' }];
  expect(mayAnswer(mine, 'operator:op_1')).toBe(true);
  expect(mayAnswer(mine, 'operator:op_2')).toBe(false);
  expect(mayAnswer(as('office'), 'operator:op_1')).toBe(false);
});

it('of a peer only devices and their state are offered, and an order that is over is not cancelled again', () => {
  expect(DETAILS).toEqual(['3', '4']);
  const states = ['ORDERED', 'ACTIVE', 'REFUSED', 'CANCELLING', 'CANCELLED', 'EXPIRED'];
  expect(states.filter((state) => endsByHand({ state }))).toEqual(['ORDERED', 'ACTIVE']);
});

it('the switch is the admin’s, hits are the police’s alone, disclosures are the auditor’s and the admin’s', () => {
  const roles = ['estate_admin', 'office', 'property', 'committee', 'guard', 'police', 'auditor', 'operator'];
  expect(roles.filter((role) => mayDo(as(role), 'pause-link'))).toEqual(['estate_admin']);
  expect(roles.filter((role) => mayDo(as(role), 'order-devices'))).toEqual(['estate_admin', 'office']);
  expect(roles.filter((role) => maySee(as(role), 'hits'))).toEqual(['police']);
  expect(roles.filter((role) => maySee(as(role), 'disclosures'))).toEqual(['estate_admin', 'auditor']);
  expect(roles.filter((role) => maySee(as(role), 'another-way'))).toEqual(['office', 'guard', 'operator']);
});

it('every kind of message, subject, reason, verdict and standing has words', () => {
  const words: Record<string, string[]> = {
    reportKind: ['CHECK_IN', 'AMEND', 'ROOM_CHANGE', 'EXTEND', 'CHECK_OUT', 'CANCEL', 'VISITOR_IN', 'VISITOR_OUT', 'STAFF', 'UNIT_CREATE', 'UNIT_UPDATE', 'UNIT_CLOSE', 'RESIDENT', 'DOOR', 'DEVICE', 'PASSAGE'],
    subjectKind: ['stay', 'visit', 'staff', 'unit', 'resident', 'door', 'device', 'passage'],
    reportReason: [
      'refused_by_platform', 'facts_missing', 'no_legal_basis', 'no_consent', 'no_account', 'fictional_only', 'field_not_allowed', 'not_understood', 'nonsense', 'pending_too_long',
      'behind_another', 'unreachable', 'busy', 'locked_out',
    ],
    verdict: ['ACCEPTED', 'REJECTED', 'PENDING', 'UNHEARD_OF', 'NOT_A_MESSAGE', 'NONSENSE', 'BUSY', 'LOCKED_OUT', 'NO_ANSWER', 'UNREACHABLE'],
    standingState: ['NOT_WANTED', 'NOT_DUE', 'SILENT', 'QUEUED', 'SENDING', 'PENDING', 'ACCEPTED', 'REJECTED', 'PARKED', 'NO_CONSENT'],
    orderState: ['ORDERED', 'ACTIVE', 'REFUSED', 'CANCELLING', 'CANCELLED', 'EXPIRED'],
    orderDetail: [...DETAILS],
    deviceState: [true, false, null].map(onlineState),
    platform: ['lodging', 'community', 'viid', 'ses_hospedajes', 'face_layer'],
  };
  const texts: Record<string, Record<string, string>> = en;
  for (const [section, codes] of Object.entries(words)) expect(codes.filter((code) => !(code in (texts[section] ?? {}))), section).toEqual([]);
});
