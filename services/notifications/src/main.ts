import { runService } from '@tertulia/shared/runtime/service';
import { notificationsService } from './service.ts';

await runService(notificationsService, process.env);
