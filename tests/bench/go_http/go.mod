module gorun/httpbench

go 1.19
