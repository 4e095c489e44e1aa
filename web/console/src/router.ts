import { createRouter, createWebHashHistory, type RouteRecordRaw } from 'vue-router';
import type { TextKey } from './locale/texts';
import type { Place } from './permissions';
import { sees, session } from './session';

declare module 'vue-router' {
  interface RouteMeta { title?: TextKey; place?: Place }
}

const routes: RouteRecordRaw[] = [
  { path: '/sign-in', name: 'sign-in', component: () => import('./pages/SignIn.vue'), meta: { title: 'signIn.title' } },
  { path: '/tonight', name: 'tonight', component: () => import('./pages/Tonight.vue'), meta: { title: 'nav.tonight', place: 'tonight' } },
  { path: '/gates', name: 'gates', component: () => import('./pages/Gates.vue'), meta: { title: 'nav.gates', place: 'gates' } },
  { path: '/reports', name: 'reports', component: () => import('./pages/Reports.vue'), meta: { title: 'nav.reports', place: 'reports' } },
  { path: '/links', name: 'links', component: () => import('./pages/Links.vue'), meta: { title: 'nav.links', place: 'links' } },
  { path: '/questions', name: 'questions', component: () => import('./pages/Questions.vue'), meta: { title: 'nav.questions', place: 'questions' } },
  { path: '/hits', name: 'hits', component: () => import('./pages/Hits.vue'), meta: { title: 'nav.hits', place: 'hits' } },
  { path: '/disclosures', name: 'disclosures', component: () => import('./pages/Disclosures.vue'), meta: { title: 'nav.disclosures', place: 'disclosures' } },
  { path: '/another-way', name: 'another-way', component: () => import('./pages/AnotherWay.vue'), meta: { title: 'nav.another-way', place: 'another-way' } },
  { path: '/units', name: 'units', component: () => import('./pages/Units.vue'), meta: { title: 'nav.units', place: 'units' } },
  { path: '/units/:id', name: 'unit', component: () => import('./pages/Unit.vue'), props: true, meta: { title: 'nav.units', place: 'units' } },
  { path: '/bookings', name: 'bookings', component: () => import('./pages/Bookings.vue'), meta: { title: 'nav.bookings', place: 'bookings' } },
  { path: '/bookings/new', name: 'new-booking', component: () => import('./pages/NewBooking.vue'), meta: { title: 'form.title', place: 'bookings' } },
  { path: '/intake', name: 'intake', component: () => import('./pages/Intake.vue'), meta: { title: 'nav.intake', place: 'intake' } },
  { path: '/desk', name: 'desk', component: () => import('./pages/Desk.vue'), meta: { title: 'nav.desk', place: 'desk' } },
  { path: '/passes', name: 'passes', component: () => import('./pages/Passes.vue'), meta: { title: 'nav.passes', place: 'passes' } },
  { path: '/terminals', name: 'terminals', component: () => import('./pages/Terminals.vue'), meta: { title: 'nav.terminals', place: 'terminals' } },
  { path: '/faces', name: 'faces', component: () => import('./pages/Faces.vue'), meta: { title: 'nav.faces', place: 'faces' } },
  { path: '/ways', name: 'ways', component: () => import('./pages/Ways.vue'), meta: { title: 'nav.ways', place: 'ways' } },
  { path: '/staff', name: 'staff', component: () => import('./pages/Staff.vue'), meta: { title: 'nav.staff', place: 'staff' } },
  { path: '/terms', name: 'terms', component: () => import('./pages/Terms.vue'), meta: { title: 'nav.terms', place: 'terms' } },
  { path: '/health', name: 'health', component: () => import('./pages/Health.vue'), meta: { title: 'nav.health', place: 'health' } },
  { path: '/:rest(.*)*', redirect: '/tonight' },
];

export const PLACES: readonly Exclude<Place, 'overview'>[] = [
  'tonight', 'another-way', 'desk', 'gates', 'reports', 'links', 'questions', 'hits', 'units', 'bookings', 'intake', 'passes', 'terminals', 'faces', 'ways', 'terms', 'staff', 'health', 'disclosures',
];

export const router = createRouter({ history: createWebHashHistory(), routes, scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 } });

router.beforeEach((to) => {
  if (to.name === 'sign-in') return session.who ? { name: 'tonight' } : true;
  if (!session.who) return { name: 'sign-in', query: to.fullPath === '/tonight' ? {} : { then: to.fullPath } };
  const place = to.meta.place;
  if (place && !sees(place)) {
    const first = PLACES.find(sees);
    return first ? { name: first } : true;
  }
  return true;
});
