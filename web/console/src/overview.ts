/** The estate's numbers, for whoever may see them; an operator sees its own guests without them. */
import { getOverview } from './api/linli';
import type { Overview } from './api/shapes';
import { sees } from './session';

export const findOverview = async (day: string, signal: AbortSignal): Promise<Overview | null> =>
  (sees('overview') ? getOverview(day, signal) : null);
