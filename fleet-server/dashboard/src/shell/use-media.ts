import { useSyncExternalStore } from 'react';

/** Whether a media query holds, followed as it changes. */
export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (call) => {
      const media = window.matchMedia(query);
      media.addEventListener('change', call);
      return () => media.removeEventListener('change', call);
    },
    () => window.matchMedia(query).matches,
  );
}
