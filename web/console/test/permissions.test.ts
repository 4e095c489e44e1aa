import { expect, it } from 'vitest';
import { bookingDeeds, mayDo, maySee, stayDeeds, unitDeeds } from '../src/permissions';

const as = (...roles: string[]) => roles.map((role) => ({ role, scope: '*' }));

it('the police and the auditor read, and change nothing', () => {
  for (const role of ['police', 'auditor']) {
    for (const state of ['REGISTERED', 'VERIFIED', 'IN_HOUSE', 'CHECKED_OUT']) expect(stayDeeds(as(role), { state, level: 2 })).toEqual([]);
    expect(unitDeeds(as(role), { state: 'ACTIVE' })).toEqual([]);
    expect(bookingDeeds(as(role), { state: 'BOOKED' })).toEqual([]);
    expect(maySee(as(role), 'reports')).toBe(true);
  }
});

it('a guard sees a guest in, checks in and out, and moves nobody', () => {
  expect(stayDeeds(as('guard'), { state: 'REGISTERED', level: 1 })).toEqual(['eye-check']);
  expect(stayDeeds(as('guard'), { state: 'VERIFIED', level: 2 })).toEqual(['check-in', 'eye-check']);
  expect(stayDeeds(as('guard'), { state: 'IN_HOUSE', level: 2 })).toEqual(['check-out']);
  expect(bookingDeeds(as('guard'), { state: 'BOOKED' })).toEqual([]);
  expect(maySee(as('guard'), 'reports')).toBe(false);
});

it('whoever has been seen in person is not asked for again', () => {
  expect(stayDeeds(as('office'), { state: 'VERIFIED', level: 4 })).toEqual(['check-in', 'move']);
});

it('a doubtful passport asks for a second pair of eyes', () => {
  expect(stayDeeds(as('guard'), { state: 'REGISTERED', level: 4, duties: ['two_person_check'] })).toEqual(['eye-check']);
});

it('a guardian who must be asked comes first', () => {
  expect(stayDeeds(as('guard'), { state: 'REGISTERED', level: 2, duties: ['minor_record', 'call_guardian'] })).toEqual(['guardian-call', 'eye-check']);
  expect(stayDeeds(as('police'), { state: 'REGISTERED', level: 2, duties: ['call_guardian'] })).toEqual([]);
});

it('a stay that is over offers nothing, nor does a state this page does not know', () => {
  for (const state of ['CHECKED_OUT', 'AUTO_CLOSED', 'NO_SHOW', 'CANCELLED', 'NEW_STATE']) expect(stayDeeds(as('office'), { state, level: 0 })).toEqual([]);
});

it('the server’s own list of what one may do is followed', () => {
  expect(stayDeeds(as('police'), { state: 'IN_HOUSE', level: 2, may: ['check-out'] })).toEqual(['check-out']);
  expect(mayDo(as('estate_admin'), 'replay', [])).toBe(false);
});

it('a unit walks its path one step at a time', () => {
  expect(unitDeeds(as('operator'), { state: 'DRAFT' })).toEqual(['submit', 'close']);
  expect(unitDeeds(as('operator'), { state: 'SUBMITTED' })).toEqual(['close']);
  expect(unitDeeds(as('office'), { state: 'SUBMITTED' })).toEqual(['check', 'close']);
  expect(unitDeeds(as('office'), { state: 'SUSPENDED' })).toEqual(['resume', 'close']);
  expect(unitDeeds(as('office'), { state: 'CLOSED' })).toEqual([]);
});

it('somebody without a role is offered nothing', () => {
  expect(mayDo([], 'book')).toBe(false);
  expect(maySee([], 'tonight')).toBe(false);
});
