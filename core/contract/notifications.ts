export { allNotifications } from '../base/notifications.ts';
