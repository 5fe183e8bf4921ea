# runtime/arch/context_x86_64.S - see context.h. System V ABI: rdi = void** save, rsi = void* to.
    .text

    .globl  gorun_context_switch
    .type   gorun_context_switch, @function
    .p2align 5
gorun_context_switch:
    .cfi_startproc
    pushq   %rbp
    .cfi_adjust_cfa_offset 8
    pushq   %rbx
    .cfi_adjust_cfa_offset 8
    pushq   %r12
    .cfi_adjust_cfa_offset 8
    pushq   %r13
    .cfi_adjust_cfa_offset 8
    pushq   %r14
    .cfi_adjust_cfa_offset 8
    pushq   %r15
    .cfi_adjust_cfa_offset 8
    movq    %rsp, (%rdi)
    movq    %rsi, %rsp
    popq    %r15
    .cfi_adjust_cfa_offset -8
    popq    %r14
    .cfi_adjust_cfa_offset -8
    popq    %r13
    .cfi_adjust_cfa_offset -8
    popq    %r12
    .cfi_adjust_cfa_offset -8
    popq    %rbx
    .cfi_adjust_cfa_offset -8
    popq    %rbp
    .cfi_adjust_cfa_offset -8
    ret
    .cfi_endproc
    .size   gorun_context_switch, . - gorun_context_switch

    .globl  gorun_context_entry
    .type   gorun_context_entry, @function
    .p2align 4
gorun_context_entry:
    .cfi_startproc
    .cfi_undefined rip
    xorl    %ebp, %ebp
    andq    $-16, %rsp
    call    gorun_goroutine_main
    ud2
    .cfi_endproc
    .size   gorun_context_entry, . - gorun_context_entry

    .section .note.GNU-stack, "", @progbits
