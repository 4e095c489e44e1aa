/** One ticking clock for every countdown, set to the server's time when the server says what it is. */
import { onScopeDispose, ref, type Ref } from 'vue';

let aheadMs = 0;
const now = ref(Date.now());
let users = 0;
let timer: ReturnType<typeof setInterval> | undefined;

/** Follows the server's clock: on simulated days it is not the browser's. */
export function setServerNow(instant: string | undefined): void {
  const at = instant ? Date.parse(instant) : Number.NaN;
  if (!Number.isNaN(at)) aheadMs = at - Date.now();
  now.value = Date.now() + aheadMs;
}

export const serverNow = (): number => Date.now() + aheadMs;

export function useNow(): Ref<number> {
  users += 1;
  timer ??= setInterval(() => { now.value = serverNow(); }, 1000);
  now.value = serverNow();
  onScopeDispose(() => {
    users -= 1;
    if (users === 0 && timer) {
      clearInterval(timer);
      timer = undefined;
    }
  });
  return now;
}
