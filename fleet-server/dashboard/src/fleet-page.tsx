import './fleet-page.css';
import type { ReactElement } from 'react';
import { DevicesSection } from './devices/devices-section.tsx';
import { EventsSection } from './events/events-section.tsx';
import { RefusedSection } from './refused/refused-section.tsx';
import { RolloutsSection } from './rollouts/rollouts-section.tsx';
import { NowSection } from './status/now-section.tsx';

/** The one page of the dashboard: what is wrong, what moves, what runs where, and what happened. */
export function FleetPage(): ReactElement {
  return (
    <div className="page">
      <NowSection />
      <RolloutsSection />
      <DevicesSection />
      <RefusedSection />
      <EventsSection />
    </div>
  );
}
