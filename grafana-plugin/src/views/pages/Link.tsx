import type { ReactNode } from 'react';
import type { Place } from '../host';
import { useHost } from '../host';

/** Link to a page: an anchor that the host follows. */
export function Link({ to, children, className }: { to: Place; children: ReactNode; className?: string }) {
  const host = useHost();
  return (
    <a className={className ?? 'dl-link'} href={host.href(to)} onClick={(e) => {
      if (!e.ctrlKey && !e.metaKey && !e.shiftKey && e.button === 0) {
        e.preventDefault();
        e.stopPropagation();
        host.navigate(to);
      }
    }}>{children}</a>
  );
}
