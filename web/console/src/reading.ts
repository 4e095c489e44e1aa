/** Reads something from the server and keeps what was read: newest question wins, old answers stay on failure. */
import { onScopeDispose, ref, shallowRef, watch, type Ref, type ShallowRef, type WatchSource } from 'vue';

export interface Reading<T> {
  value: ShallowRef<T | null>;
  trouble: ShallowRef<unknown>;
  busy: Ref<boolean>;
  readAt: Ref<number | null>;
  again: () => Promise<void>;
}

export function useReading<T>(read: (signal: AbortSignal) => Promise<T>, when: WatchSource[] = []): Reading<T> {
  const value = shallowRef<T | null>(null);
  const trouble = shallowRef<unknown>(null);
  const busy = ref(false);
  const readAt = ref<number | null>(null);
  let current: AbortController | null = null;

  async function again(): Promise<void> {
    current?.abort();
    const mine = new AbortController();
    current = mine;
    busy.value = true;
    try {
      const answer = await read(mine.signal);
      if (mine.signal.aborted) return;
      value.value = answer;
      trouble.value = null;
      readAt.value = Date.now();
    } catch (problem) {
      if (!mine.signal.aborted) trouble.value = problem;
    } finally {
      if (current === mine) busy.value = false;
    }
  }

  watch(when, () => void again(), { immediate: true });
  onScopeDispose(() => current?.abort());
  return { value, trouble, busy, readAt, again };
}

/** Runs at most once in `everyMs`, and once more at the end, so that a storm of events becomes a few readings. */
export function calmly(run: () => void, everyMs: number): { (): void; stop: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let last = 0;
  const calm = (): void => {
    if (timer) return;
    timer = setTimeout(() => {
      timer = undefined;
      last = Date.now();
      run();
    }, Math.max(0, everyMs - (Date.now() - last)));
  };
  calm.stop = () => clearTimeout(timer);
  return calm;
}
