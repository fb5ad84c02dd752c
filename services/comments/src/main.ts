import { runService } from '@tertulia/shared/runtime/service';
import { commentsService } from './service.ts';

await runService(commentsService, process.env);
