import { runService } from '@tertulia/shared/runtime/service';
import { webService } from './service.ts';

await runService(webService, process.env);
