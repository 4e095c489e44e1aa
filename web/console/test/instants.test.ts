import { describe, expect, it } from 'vitest';
import { addDays, clockOf, dayOf, instantAt, momentOf, nightsBetween, remaining, weekdayOf } from '../src/instants';

describe('instants are read by the estate’s clocks', () => {
  it('a late arrival in UTC belongs to the next day in Chengdu', () => {
    expect(dayOf('2025-06-30T16:30:00Z')).toBe('2025-07-01');
    expect(clockOf('2025-06-30T16:30:05Z')).toBe('00:30');
    expect(clockOf('2025-06-30T16:30:05Z', true)).toBe('00:30:05');
    expect(momentOf('2025-06-30T16:30:00Z')).toBe('07-01 00:30');
  });

  it('nothing and nonsense are shown as nothing', () => {
    expect(clockOf(null)).toBe('');
    expect(momentOf(undefined)).toBe('');
    expect(momentOf('yesterday')).toBe('');
    expect(dayOf('yesterday')).toBe('');
  });

  it('a day and a time on the form become the right instant', () => {
    expect(instantAt('2025-07-01', '00:30')).toBe('2025-06-30T16:30:00.000Z');
    expect(instantAt('2025-01-01', '12:00')).toBe('2025-01-01T04:00:00.000Z');
  });

  it('a zone with summer time is right on both sides of the change', () => {
    expect(instantAt('2025-03-30', '01:30', 'Europe/Berlin')).toBe('2025-03-30T00:30:00.000Z');
    expect(instantAt('2025-03-30', '03:30', 'Europe/Berlin')).toBe('2025-03-30T01:30:00.000Z');
    expect(instantAt('2025-10-26', '12:00', 'Europe/Berlin')).toBe('2025-10-26T11:00:00.000Z');
  });

  it('days are counted over months, and weekdays start on Sunday', () => {
    expect(addDays('2025-02-28', 1)).toBe('2025-03-01');
    expect(addDays('2025-01-01', -1)).toBe('2024-12-31');
    expect(weekdayOf('2025-06-29')).toBe(0);
  });

  it('nights are counted by the calendar, and day use has none', () => {
    expect(nightsBetween('2025-06-30T07:00:00Z', '2025-07-01T04:00:00Z')).toBe(1);
    expect(nightsBetween('2025-06-30T07:00:00Z', '2025-06-30T11:00:00Z')).toBe(0);
    expect(nightsBetween('2025-06-30T15:30:00Z', '2025-06-30T20:00:00Z')).toBe(1);
    expect(nightsBetween('x', 'y')).toBe(0);
  });
});

describe('a deadline counts down, and then says how late it is', () => {
  const now = Date.parse('2025-06-30T12:00:00Z');

  it('is calm while there is time, urgent in the last half hour, late after it', () => {
    expect(remaining('2025-06-30T14:05:09Z', now)).toEqual({ late: false, hours: 2, minutes: 5, seconds: 9, urgent: false });
    expect(remaining('2025-06-30T12:29:00Z', now)).toMatchObject({ late: false, minutes: 29, urgent: true });
    expect(remaining('2025-06-30T11:48:00Z', now)).toMatchObject({ late: true, minutes: 12, urgent: true });
  });

  it('without a deadline there is nothing to count', () => {
    expect(remaining(null, now)).toBeNull();
    expect(remaining('soon', now)).toBeNull();
  });
});
